/**
 * Goal: broker and serve keep what they are given, say where and how, and keep their directory to
 * themselves; what is asked of dead letters and jobs is done by the broker that runs.
 * Method: real processes on directories of the test, stopped and started again.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import {
  decodeFileHeader,
  encodeFileHeader,
} from "../../src/broker/store/segments/format/file-header.js";
import { SimpleClient } from "../../src/client/index.js";
import { createJob, encodeJob, extractTask, parseResult } from "../../src/message/index.js";
import { connectPeer } from "../helpers/raw-peer.js";
import { jobThrough, pop, popThrough, pushThrough, size } from "../helpers/requests.js";
import { slowPdf } from "../helpers/slow-pdf.js";
import { listeningPort, type RunningCli, runCli, startCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const QUEUE = "ingest_task_queue";

function clientOf(t: TestContext, port: number): SimpleClient {
  const client = new SimpleClient({ host: "127.0.0.1", port });
  t.onTestFinished(() => client.close());
  return client;
}

function jobOf(name: string, content: string | Uint8Array, documentType: string): string {
  const tasks = [extractTask({ documentType })];
  return encodeJob(createJob({ documents: [{ name, content, type: documentType }], tasks }));
}

/** Asks it to end, and returns its last line. */
async function stopped(cli: RunningCli): Promise<string | undefined> {
  cli.child.kill("SIGTERM");
  const { code, stdout } = await cli.ended;
  expect(code).toBe(0);
  return stdout.trimEnd().split("\n").at(-1);
}

describe.each(["broker", "serve"])("%s", (command) => {
  const start = (t: TestContext, dataDir: string, ...more: string[]) =>
    startCli(t, [command, "--port", "0", "--data-dir", dataDir, ...more]);

  test.for([
    ["fsync", [], (dir: string) => `messages are on the disk in ${dir}`],
    [
      "os",
      ["--durability", "os"],
      (dir: string) => `messages are in ${dir}; a power cut may lose the last ones`,
    ],
    ["memory", ["--durability", "memory"], () => "queued messages are lost when this process ends"],
  ] as const)("says durability %s in its first line", async ([durability, flags, note], t) => {
    const dataDir = join(await temporaryFolder(t), "data");
    const cli = start(t, dataDir, ...flags);
    const [line] = await cli.line(/^listening .*$/m);
    expect(line).toMatch(/^listening simple:\/\/127\.0\.0\.1:\d+ \(pid \d+, durability \w+: .*\)$/);
    expect(line).toContain(`durability ${durability}: ${note(dataDir)})`);
    expect(existsSync(dataDir)).toBe(durability !== "memory");
  });

  test("refuses a directory that a running one has, and names its process", async (t) => {
    const dataDir = await temporaryFolder(t);
    const first = start(t, dataDir);
    await listeningPort(first);
    const second = await start(t, dataDir).ended;
    expect(second).toMatchObject({ code: 2, stdout: "" });
    expect(second.stderr).toContain(`belongs to the running process ${first.child.pid}`);
    expect(second.stderr).not.toMatch(/^ +at /m);
    // The first one goes on, and leaves its place to the next.
    expect(await stopped(first)).toBe("stopped: nothing was queued, nothing is lost");
    await listeningPort(start(t, dataDir));
  });

  test("refuses a directory of another format, and touches nothing in it", async (t) => {
    const dataDir = await temporaryFolder(t);
    const first = start(t, dataDir);
    await listeningPort(first);
    await stopped(first);
    const file = join(dataDir, "00000001.log");
    const foreign = readFileSync(file);
    const header = decodeFileHeader(foreign) ?? expect.fail("the log has no header");
    encodeFileHeader({ ...header, version: header.version + 1 }).copy(foreign);
    writeFileSync(file, foreign);
    const names = readdirSync(dataDir).sort();
    const second = await start(t, dataDir).ended;
    expect(second).toMatchObject({ code: 2, stdout: "" });
    expect(second.stderr).toMatch(/has format 2, and this version of Millrace knows format 1 only/);
    expect(readdirSync(dataDir).sort()).toEqual(names);
    expect(readFileSync(file)).toEqual(foreign);
  });

  test("refuses a directory that is none", async (t) => {
    const file = join(await temporaryFolder(t), "file");
    writeFileSync(file, "");
    const { code, stdout, stderr } = await start(t, file).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`the data directory "${file}" cannot be used`);
  });
});

describe("the directory of the messages", () => {
  test("is named by MILLRACE_DATA_DIR, and by the flag before that", async (t) => {
    const [byVariable, byFlag] = [await temporaryFolder(t), await temporaryFolder(t)];
    const env = { MILLRACE_DATA_DIR: byVariable };
    await listeningPort(startCli(t, ["broker", "--port", "0"], { env }));
    expect(readdirSync(byVariable)).toContain("owner");
    const args = ["broker", "--port", "0", "--data-dir", byFlag];
    await listeningPort(startCli(t, args, { env }));
    expect(readdirSync(byFlag)).toContain("owner");
  });

  test("is ./.millrace where nothing is said", async (t) => {
    const cwd = await temporaryFolder(t);
    const cli = startCli(t, ["broker", "--port", "0"], { cwd, env: { MILLRACE_DATA_DIR: "" } });
    await listeningPort(cli);
    expect(readdirSync(join(cwd, ".millrace"))).toContain("owner");
  });
});

test("a broker keeps its messages over a stop, and says how many", async (t) => {
  const dataDir = await temporaryFolder(t);
  const first = startCli(t, ["broker", "--port", "0", "--data-dir", dataDir]);
  const peer = await connectPeer(t, await listeningPort(first));
  for (const text of ["one", "two"]) await pushThrough(peer, "q", text);
  peer.end();
  expect(await stopped(first)).toBe(`stopped: 2 messages kept in ${dataDir}`);
  const second = startCli(t, ["broker", "--port", "0", "--data-dir", dataDir, "--json"]);
  const [line] = await second.line(/^.*"event":"listening".*$/m);
  const { url, durability } = JSON.parse(line);
  expect(durability).toBe("fsync");
  const again = await connectPeer(t, Number(new URL(url).port));
  expect([await popThrough(again, "q"), await popThrough(again, "q")]).toEqual(["one", "two"]);
  again.end();
  await again.untilClosed();
  const last = JSON.parse((await stopped(second)) as string);
  expect(last).toEqual({ event: "stopped", dropped: 0, kept: 0 });
});

test("--queues sets when a job of a queue is off its consumer's hands", async (t) => {
  const queues = JSON.stringify({ work: { settle: "on-result" } });
  const cli = startCli(t, [
    ...["broker", "--port", "0", "--queues", queues, "--result-lease-ms", "100"],
  ]);
  const peer = await connectPeer(t, await listeningPort(cli));
  const jobId = await jobThrough(peer, "work");
  const other = await jobThrough(peer, "other");
  expect(await popThrough(peer, "other")).toContain(other);
  expect(await popThrough(peer, "work")).toContain(jobId);
  expect((await peer.ask(pop("work", 60))).response).toContain(jobId);
  const third = await connectPeer(t, await listeningPort(cli));
  expect((await third.ask(size("other"))).response).toBe("0");
});

test.for([
  ["no JSON", "{", /--queues/],
  ["an unknown setting", '{"q":{"settel":"on-result"}}', /settel/],
  ["an unknown value", '{"q":{"settle":"sometimes"}}', /settle/],
] as const)("--queues with %s is refused", async ([, queues, reason], t) => {
  const { code, stdout, stderr } = await runCli(t, ["broker", "--port", "0", "--queues", queues]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(reason);
});

test("serve goes on with its jobs after a stop, and their clients get the results", async (t) => {
  const dataDir = await temporaryFolder(t);
  const args = ["serve", "--port", "0", "--data-dir", dataDir, "--concurrency", "1"];
  const first = startCli(t, [...args, "--stop-timeout-ms", "1000"]);
  const client = clientOf(t, await listeningPort(first));
  const ids = [];
  for (const job of [jobOf("slow.pdf", slowPdf(800), "pdf"), jobOf("a.txt", "mill", "text")]) {
    ids.push((await client.submitMessage(QUEUE, job, { forNvIngest: true })).transactionId);
  }
  while ((await client.size(QUEUE)) > 1);
  expect(await stopped(first)).toMatch(`stopped: 2 messages kept in ${dataDir}`);
  const second = startCli(t, args);
  const again = clientOf(t, await listeningPort(second));
  for (const id of ids) {
    const result = parseResult((await again.fetchMessage(id)) as string);
    expect(result.status).toBe("success");
  }
});

describe("dead letters and jobs of a running broker", () => {
  test("are listed, shown, replayed, dropped and cancelled", async (t) => {
    const cli = startCli(t, ["broker", "--port", "0", "--max-deliveries", "1"]);
    const port = await listeningPort(cli);
    const peer = await connectPeer(t, port);
    const broker = ["--broker", `simple://127.0.0.1:${port}`];
    const run = (...args: string[]) => runCli(t, [...args, ...broker]);
    const ids: string[] = [];
    for (let i = 0; i < 2; i++) {
      ids.push(await jobThrough(peer, "work", `{"n":${i}}`));
      const consumer = await connectPeer(t, port);
      await consumer.ask(pop("work", 0.02));
      await consumer.frame();
    }
    const [first, second] = ids as [string, string];
    const listed = await run("dead", "list", "--json");
    const lines = listed.stdout.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { event: "letter", jobId: first, cause: "deliveries", deliveries: 1 },
      { event: "letter", jobId: second },
      { event: "done", count: 2 },
    ]);
    const shown = JSON.parse((await run("dead", "show", first, "--json")).stdout);
    expect(JSON.parse(shown.message)).toEqual({ n: 0, job_id: first });
    expect(await run("dead", "replay", first)).toMatchObject({
      ...{ code: 0, stdout: "1 job put back\n" },
    });
    expect((await peer.ask(size("work"))).response).toBe("1");
    expect((await run("cancel", first)).stdout).toMatch(/is cancelled/);
    expect((await peer.ask(size("work"))).response).toBe("0");
    expect(await popThrough(peer, first)).toContain("The job was cancelled.");
    expect((await run("cancel", first)).code).toBe(0);
    expect((await run("cancel", second)).stdout).toMatch(/is over already/);
    expect((await run("cancel", "another")).code).toBe(1);
    expect((await run("dead", "drop", "--all")).stdout).toBe("1 job thrown away\n");
    expect((await run("dead", "list")).stdout).toBe("no dead letters\n");
    expect((await run("dead", "replay", second)).code).toBe(1);
  });
});
