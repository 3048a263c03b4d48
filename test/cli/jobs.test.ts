/**
 * Goal: `cancel` and `dead` ask a broker what they are told to, say what came of it, and end with the
 * code for it. Method: real processes, and a broker whose every answer the test writes.
 */
import { describe, expect, test } from "vitest";
import { type Script, STEPWISE, startScripted } from "../helpers/scripted-broker.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { runCli } from "../helpers/start-cli.js";
import { startUpstreamLike } from "../helpers/upstream-like-broker.js";

const JOB = "4f1c0000-0000-4000-8000-00000000000a";

const letterOf = (jobId: string) => ({
  job_id: jobId,
  queue_name: "scans",
  cause: "deliveries",
  reason: "It was handed out 5 times and never ended.",
  deliveries: 5,
  stored_at: "2026-01-02T03:04:05.678Z",
  given_up_at: "2026-01-02T04:05:06.789Z",
  bytes: 1_234,
});

/** Runs a command against a broker that answers by the script. */
async function run(t: Cleanup, args: readonly string[], script: Script) {
  const { port, frames } = await startScripted(t, STEPWISE, script);
  const ended = await runCli(t, [...args, "--broker", `simple://127.0.0.1:${port}`]);
  return { ...ended, frames };
}

const answering = (response: string): Script => {
  return async (_, line) => line.say({ response });
};
const answeringDead = (letters: readonly object[], count = letters.length) =>
  answering(JSON.stringify({ letters, count }));

describe("cancel", () => {
  test.for([
    ["cancelled", 0, /is cancelled; its result says so/],
    ["over", 0, /is over already/],
    ["unknown", 1, /is unknown to the broker/],
  ] as const)("of a job that is %s ends with %i", async ([outcome, code, text], t) => {
    const ended = await run(t, ["cancel", JOB], answering(outcome));
    expect(ended).toMatchObject({ code, stderr: "" });
    expect(ended.stdout).toMatch(text);
    expect(ended.stdout).toContain(JOB);
    expect(ended.frames).toEqual([{ command: "CANCEL", job_id: JOB }]);
    const asJson = await run(t, ["cancel", JOB, "--json"], answering(outcome));
    expect(JSON.parse(asJson.stdout)).toEqual({ jobId: JOB, outcome });
    expect(asJson.code).toBe(code);
  });

  test("shows no control characters of the name", async (t) => {
    const { stdout } = await run(t, ["cancel", "a\u001b[31mjob"], answering("unknown"));
    expect(stdout).toContain("a\\u{1b}[31mjob");
  });

  test("is refused where the broker cannot, and needs a broker at all", async (t) => {
    const { port } = await startUpstreamLike(t);
    const url = `simple://127.0.0.1:${port}`;
    const old = await runCli(t, ["cancel", JOB, "--broker", url]);
    expect(old).toMatchObject({ code: 2, stdout: "" });
    expect(old.stderr).toMatch(/does not have the feature "cancel"/);
    expect(old.stderr).not.toMatch(/^ +at /m);
    const none = await runCli(t, ["cancel", JOB, "--broker", "simple://127.0.0.1:1"]);
    expect(none).toMatchObject({ code: 69, stdout: "" });
  });
});

describe("dead list", () => {
  test("says that there are none", async (t) => {
    const { code, stdout } = await run(t, ["dead", "list"], answeringDead([]));
    expect({ code, stdout }).toEqual({ code: 0, stdout: "no dead letters\n" });
  });

  test("is a table of 80 columns, over all pages", async (t) => {
    const pages: Readonly<Record<string, readonly object[]>> = {
      first: [letterOf(JOB), letterOf("\u001b[31m"), letterOf("long".repeat(100))],
      ["long".repeat(100)]: Array.from({ length: 120 }, (_, index) => letterOf(`job ${index}`)),
    };
    const script: Script = async (request, line) => {
      const { after = "first" } = request as { after?: string };
      await answeringDead(pages[after] ?? [], 123)(request, line);
    };
    const { code, stdout, frames } = await run(t, ["dead", "list"], script);
    expect(code).toBe(0);
    expect(stdout).toMatch(`│ ${JOB} │ deliveries │     5 │ 2026-01-02 04:05 `);
    expect(stdout).toMatch(/^│ {3}It was handed out 5 times and never ended\. +│$/m);
    expect(stdout).toContain("\\u{1b}[31m");
    expect(stdout).toMatch(/^and 23 more$/m);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(frames.map((frame) => (frame as { after?: string }).after)).toEqual([
      ...[undefined, "long".repeat(100), "job 119"],
    ]);
    const asJson = await run(t, ["dead", "list", "--json"], script);
    const lines = asJson.stdout.trimEnd().split("\n");
    const [first, ...others] = lines.map((line) => JSON.parse(line) as object);
    expect(first).toMatchObject({ event: "letter", jobId: JOB, queueName: "scans" });
    expect(others).toHaveLength(123);
    expect(others.at(-1)).toEqual({ event: "done", count: 123 });
  });
});

test("dead list shows of a long reason what fits into a line, and as JSON all of it", async (t) => {
  const reason = `Error in extract_pdf: ${"page\n".repeat(800)}is no page`;
  const letter = { ...letterOf(JOB), cause: "failed", reason };
  const { stdout } = await run(t, ["dead", "list"], answeringDead([letter]));
  expect(stdout).toMatch(new RegExp(`^│ ${JOB} +│ failed +│ +5 │ 2026-01-02 04:05 +│$`, "m"));
  expect(stdout).toMatch(/^│ {3}Error in extract_pdf: page\\u\{a\}.*….*is no page │$/m);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const asJson = await run(t, ["dead", "list", "--json"], answeringDead([letter]));
  expect(JSON.parse(asJson.stdout.split("\n")[0] ?? "")).toMatchObject({ cause: "failed", reason });
});

describe("dead show", () => {
  const message = '{"job_id":"secret"}';

  test("tells facts, and the text only as JSON", async (t) => {
    const letter = { ...letterOf(JOB), reason: "first\nsecond", message };
    const plain = await run(t, ["dead", "show", JOB], answeringDead([letter]));
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).not.toContain("secret");
    expect(plain.stdout).toMatch(/^queue +scans$/m);
    expect(plain.stdout).toMatch(/^reason +first\\u\{a\}second$/m);
    expect(plain.stdout).toMatch(/^stored +2026-01-02 03:04:05 UTC$/m);
    expect(plain.stdout).toContain(`millrace dead show ${JOB} --json | jq -r .message`);
    expect(plain.frames).toEqual([{ command: "DEAD", action: "show", job_id: JOB }]);
    const asJson = await run(t, ["dead", "show", JOB, "--json"], answeringDead([letter]));
    expect(JSON.parse(asJson.stdout)).toMatchObject({ jobId: JOB, message });
  });

  test("of a job that is not dead ends with 1", async (t) => {
    const { code, stdout, stderr } = await run(t, ["dead", "show", JOB], answeringDead([]));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(`no dead letter of job ${JOB}`);
  });
});

describe.each([
  ["replay", "put back"],
  ["drop", "thrown away"],
] as const)("dead %s", (action, told) => {
  test("does it with one job, or with all when that is said", async (t) => {
    const one = await run(t, ["dead", action, JOB], answeringDead([], 1));
    expect(one).toMatchObject({ code: 0, stdout: `1 job ${told}\n` });
    expect(one.frames).toEqual([{ command: "DEAD", action, job_id: JOB }]);
    const all = await run(t, ["dead", action, "--all", "--json"], answeringDead([], 7));
    expect(JSON.parse(all.stdout)).toEqual({ event: "done", action, count: 7 });
    expect(all.frames).toEqual([{ command: "DEAD", action }]);
  });

  test("with a job that is not dead ends with 1, with none of all with 0", async (t) => {
    const one = await run(t, ["dead", action, JOB, "--json"], answeringDead([]));
    expect(one.code).toBe(1);
    expect(JSON.parse(one.stdout)).toEqual({ jobId: JOB, outcome: "unknown" });
    const all = await run(t, ["dead", action, "--all"], answeringDead([]));
    expect(all).toMatchObject({ code: 0, stdout: `0 jobs ${told}\n` });
  });
});
