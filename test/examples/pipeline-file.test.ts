/** Goal: the pipeline file of the examples is one that works. Method: it is checked, then runs a job. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPipelineFile } from "../../src/runtime/index.js";
import { startDefined } from "../helpers/defined-pipeline.js";
import { runCli } from "../helpers/start-cli.js";

const root = join(import.meta.dirname, "../..");

test("examples/pipeline.yaml has no faults", async (t) => {
  const args = ["config", "check", "examples/pipeline.yaml"];
  expect(await runCli(t, args, { cwd: root })).toMatchObject({
    code: 0,
    stdout: "examples/pipeline.yaml: ok, 5 stages, 1 switched off\n",
  });
});

test("examples/pipeline.yaml shortens the text of a job", async (t) => {
  const file = join(root, "examples/pipeline.yaml");
  const pipeline = await readPipelineFile(file, { MAX_CHARACTERS: "9" });
  const { resultOf } = await startDefined(t, pipeline);
  const { data, annotations } = await resultOf("Dear miller, the grain is here.");
  expect(data?.[0]?.metadata.content).toBe("Dear mill…");
  const notes = Object.values(annotations ?? {}).map(({ message }) => message);
  expect(notes).toContain("1 rows shortened");
});
