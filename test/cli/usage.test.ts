/**
 * Goal: the command line explains itself, and what is written wrong is said in words that help.
 * Method: real processes; only what they print and end with is looked at.
 */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { runCli } from "../helpers/start-cli.js";

const COMMANDS = [
  ...["quickstart", "ingest", "serve", "broker", "pipeline", "cancel", "dead", "version"],
  ...["config", "plugins"],
];

test("without arguments the help names every command", async (t) => {
  const { code, stdout } = await runCli(t, []);
  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
});

test.each(COMMANDS)(
  "the help of %s has examples, exit codes and lines of 80 columns",
  async (command) => {
    const t = { onTestFinished: () => {} };
    const { code, stdout } = await runCli(t, [command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Examples:$/m);
    expect(stdout).toMatch(/^Exit codes: 0 done/m);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  },
);

test("the version is that of package.json", async (t) => {
  const packageText = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(packageText);
  for (const args of [["version"], ["--version"], ["-V"]]) {
    expect(await runCli(t, args)).toMatchObject({ code: 0, stdout: `${version}\n` });
  }
  const { stdout } = await runCli(t, ["version", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ millrace: version, node: process.version });
});

describe("what is wrong ends with 2 and names what was meant", () => {
  test.each([
    [["brokr"], /unknown command 'brokr'[\s\S]*Did you mean broker/],
    [["broker", "--max-queue-sise", "1"], /unknown option[\s\S]*Did you mean --max-queue-size/],
    [["broker", "--port"], /argument missing/],
    [["broker", "extra"], /too many arguments/],
    [["broker", "--port", "abc"], /--port: .*expected number.*"abc"/],
    [["serve", "--config", "gone.yaml"], /"gone\.yaml": it does not exist\n$/],
    [["ingest", "x", "--format", "xml"], /^millrace ingest: --format: expected "json" or "jsonl"/],
    [["broker", "--port", "70000"], /--port: .*65535.*70000/],
    [["broker", "--host", "0.0.0.0", "--port", "0"], /--allow-remote/],
    [["serve", "--log-level", "loud"], /--log-level: .*"loud"/],
    [["ingest", "x", "--format", "xml"], /--format: .*"xml"/],
    [["pipeline", "--broker", "redis://localhost/jobs"], /end after the number of the database/],
    [["workers", "--broker", "simple://127.0.0.1:1", "x"], /too many arguments/],
    [["cancel"], /name the job to cancel/],
    [["cancel", "one", "two"], /too many arguments/],
    [["cancel", "one", "--broker", "redis+sentinel://a"], /must name the primary/],
    [["dead"], /say what to do: millrace dead knows list, show, replay, drop/],
    [["dead", "replya"], /"replya" is none of its words \(did you mean replay\?\)/],
    [["dead", "bury", "one"], /"bury" is none of its words: .*list, show, replay, drop/],
    [["dead", "list", "one"], /dead list takes no job/],
    [["dead", "list", "--all"], /dead list takes no job and not --all/],
    [["dead", "show"], /name one job: millrace dead show JOB/],
    [["dead", "drop"], /name a job or --all: .*drop JOB/],
    [["dead", "replay", "one", "--all"], /name a job or --all, not both/],
    [["config"], /say what to do: millrace config knows check, print, schema/],
    [["config", "chek"], /"chek" is none of its words \(did you mean check\?\)/],
    [["config", "check"], /name a file: millrace config check FILE/],
    [["config", "print", "a", "b"], /config print takes one file/],
    [["config", "schema", "a"], /config schema takes no file/],
    [
      ["config", "check", "none.yaml"],
      /cannot read the pipeline file "none.yaml": it does not exist/,
    ],
    [["plugins", "none.yaml"], /cannot read the pipeline file "none.yaml"/],
    [["plugins", "a", "b"], /too many arguments/],
    [["serve", "--config", "none.yaml"], /cannot read the pipeline file "none.yaml"/],
    [["pipeline", "--broker", "localhost:7671"], /write it like simple:\/\/127\.0\.0\.1:7671/],
  ])("%j", async (args, text) => {
    const { code, stdout, stderr } = await runCli({ onTestFinished: () => {} }, args);
    expect(stderr).toMatch(text);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe("--print-config", () => {
  const env = { MILLRACE_PORT: "5", MILLRACE_MAX_QUEUE_SIZE: "-7", MILLRACE_ALLOW_REMOTE: "yes" };

  test("shows that a flag wins over the environment, and that over the default", async (t) => {
    const args = ["broker", "--port", "8", "--no-allow-remote", "--print-config", "--json"];
    const { code, stdout } = await runCli(t, args, { env });
    expect(code).toBe(0);
    const { options } = JSON.parse(stdout);
    expect(options.port).toMatchObject({ value: 8, origin: "flag", variable: "MILLRACE_PORT" });
    expect(options.allowRemote).toMatchObject({ value: false, origin: "flag" });
    expect(options["brokerParams.maxQueueSize"]).toEqual({
      value: -7,
      origin: "environment",
      flag: "--max-queue-size",
      variable: "MILLRACE_MAX_QUEUE_SIZE",
    });
    expect(options.host).toMatchObject({ value: "127.0.0.1", origin: "default" });
  });

  test("is a table for people and does nothing else", async (t) => {
    const { code, stdout } = await runCli(t, ["serve", "--print-config"], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/port +│ 5 +│ MILLRACE_PORT/);
    expect(stdout).toMatch(/stop-timeout-ms +│ 5000 +│ default/);
    expect(stdout).not.toMatch(/listening/);
  });

  test("a variable that is wrong is named, not the option that it stands for", async (t) => {
    const { code, stderr } = await runCli(t, ["broker"], { env: { MILLRACE_PORT: "high" } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/MILLRACE_PORT: .*"high"/);
  });
});
