/**
 * Goal: on a terminal a service says how it is on one calm line, which tears nothing and is gone in
 * the end; elsewhere there is no such line.
 * Method: real processes in a pseudo terminal, whose screen is put together from what they write.
 */
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import {
  hasPseudoTerminal,
  startInTerminal,
  type TerminalCli,
} from "../helpers/pseudo-terminal.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";
import { startCli } from "../helpers/start-cli.js";

const terminalTest = test.skipIf(!hasPseudoTerminal);
const QUEUE = "ingest_task_queue";
const STATUS = /jobs\/s · /;
const SERVE = ["serve", "--port", "0", "--durability", "memory"];

async function facts(t: Cleanup, cli: TerminalCli): Promise<{ pid: number; client: SimpleClient }> {
  const [, port, pid] = await cli.seen(/^listening simple:\S+:(\d+) \(pid (\d+)/m);
  const client = new SimpleClient({ host: "127.0.0.1", port: Number(port) });
  t.onTestFinished(() => client.close());
  return { pid: Number(pid), client };
}

terminalTest(
  "the line follows the work, is out of the way of the log, and is gone in the end",
  async (t) => {
    const cli = startInTerminal(t, SERVE, 200);
    const { pid, client } = await facts(t, cli);
    await cli.seen(/^0\.0 jobs\/s · 0 in flight · 0 queued · 0 failed · \d+ MiB$/m);
    const jobs = Array.from({ length: 200 }, async () => {
      const { transactionId } = await client.submitMessage(QUEUE, "{}", { forNvIngest: true });
      await client.fetchMessage(transactionId);
    });
    await Promise.all(jobs);
    await cli.seen(/· 0 in flight · 0 queued · 200 failed · \d+ MiB$/);
    const refused = cli.screen().filter((line) => line.includes("job refused"));
    expect(refused).toHaveLength(200);
    for (const line of refused) {
      expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}job refused {2}jobId=[0-9a-f-]{36}$/);
    }
    expect(cli.screen().filter((line) => STATUS.test(line))).toHaveLength(1);
    process.kill(pid, "SIGTERM");
    expect(await cli.ended).toBe(0);
    expect(cli.screen().filter((line) => STATUS.test(line))).toEqual([]);
    // Nobody fetched them twice, and the line of the shell begins at its start.
    expect(cli.screen().slice(-2)).toEqual([expect.stringMatching(/^stopped: /), ""]);
  },
);

terminalTest("a narrow terminal gets the beginning of the line, and it never wraps", async (t) => {
  const cli = startInTerminal(t, [...SERVE, "--log-level", "info"], 30);
  const [line] = await cli.seen(/^0\.0 jobs\/s · 0 in flight · 0…$/m);
  // The last column stays free.
  expect(line).toHaveLength(29);
});

terminalTest("a second signal leaves no rest of the line", async (t) => {
  const cli = startInTerminal(t, SERVE, 200);
  const { pid, client } = await facts(t, cli);
  await cli.seen(STATUS);
  process.kill(pid, "SIGTERM");
  process.kill(pid, "SIGINT");
  await cli.ended;
  expect(cli.screen().filter((line) => STATUS.test(line))).toEqual([]);
  await client.close();
});

terminalTest("a pipeline tells of the queue at its broker", async (t) => {
  const broker = await startBroker(t);
  const url = `simple://127.0.0.1:${broker.port}`;
  const cli = startInTerminal(t, ["pipeline", "--broker", url, "--queue", "scans"], 200);
  await cli.seen(/^0\.0 jobs\/s · 0 in flight · 0 queued · 0 failed · \d+ MiB$/m);
});

terminalTest.for([
  ["quiet", [...SERVE, "--log-level", "warn"], "xterm"],
  ["with --json", [...SERVE, "--json"], "xterm"],
  ["with a log in JSON", [...SERVE, "--log-format", "json"], "xterm"],
  ["a broker alone", ["broker", "--port", "0", "--durability", "memory"], "xterm"],
  ["at a terminal that cannot erase", SERVE, "dumb"],
] as const)("there is no line: %s", async ([_, args, term], t) => {
  const cli = startInTerminal(t, args, 200, term);
  const [, pid] = await cli.seen(/pid"?[: ](\d+)/);
  process.kill(Number(pid), "SIGTERM");
  await cli.ended;
  expect(cli.written()).not.toContain("jobs/s");
  expect(cli.written()).not.toContain("\u001b[K");
});

test("there is no line where standard error is no terminal", async (t) => {
  const cli = startCli(t, SERVE);
  await cli.line(/^listening /m);
  cli.child.kill("SIGTERM");
  const { stderr, stdout } = await cli.ended;
  expect(stdout + stderr).not.toMatch(/jobs\/s/);
});
