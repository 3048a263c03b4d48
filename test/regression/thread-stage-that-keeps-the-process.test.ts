/**
 * Goal: a stage in a thread leaves no timer behind, so a program ends when its work is done. Method: a
 * process that uses one and then has nothing left to do. The thread's word that work began came after
 * the result, and started the time of an attempt that was over.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = `
  import { IngestControlMessage } from "millrace/message";
  import { threadStage } from "millrace/pipeline";
  import { stageContext } from "millrace/testing";
  import { WorkerPool } from "millrace/workers";
  const pool = new WorkerPool({ maxThreads: 1 });
  const file = new URL(process.argv[1]);
  const stage = threadStage({ name: "act", use: "misdeeds", file, exportName: "act", pool });
  const message = new IngestControlMessage();
  message.payload = [{ documentType: "text", content: "good" }];
  for (let turn = 0; turn < 20; turn++) await stage.process(message, stageContext());
  await pool.close();
  console.log("done");
`;

test("a process whose stage in a thread has worked ends by itself", async () => {
  const misdeeds = new URL("../fixtures/stages/misdeeds.js", import.meta.url).href;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program, misdeeds],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)), timeout: 25_000 },
  );
  expect(stdout).toBe("done\n");
});
