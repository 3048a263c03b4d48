/**
 * Goal: the command line checks, prints and runs pipeline files, and lists what they can use. Method: real
 * processes and files; only what they print and end with is looked at, and results of real jobs.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { createJob, encodeJob, parseResult } from "../../src/message/index.js";
import { folderOf } from "../helpers/defined-pipeline.js";
import { startBroker } from "../helpers/start-broker.js";
import { listeningPort, runCli, startCli } from "../helpers/start-cli.js";

const MARKS = `
export const mark = (message, { config }) => {
  for (const { metadata } of message.payload) metadata.content += config.text ?? "!";
  return message;
};
export const plugin = {
  name: "marks",
  version: "1.2.3",
  stages: { stars: { about: "Adds a star.", version: "7", create: () => (message) => {
    for (const { metadata } of message.payload) metadata.content += "*";
    return message;
  } } },
};
`;
const GOOD = `
concurrency: $COUNT|3
workers: {maxThreads: 1}
stages:
  - use: metadata_injector
  - use: ./marks.mjs#mark
    config: {text: " $TEXT|marked", apiKey: canary1, other: $API_TOKEN}
`;
const BAD = `
concurency: 5
stages:
  - use: pdf_extracter
    onError: no
`;

describe("config check", () => {
  test("says that all is well, and ends with 0", async (t) => {
    const cwd = await folderOf(t, { "good.yaml": GOOD, "marks.mjs": MARKS });
    expect(await runCli(t, ["config", "check", "good.yaml"], { cwd })).toMatchObject({
      code: 0,
      stdout: "good.yaml: ok, 2 stages\n",
      stderr: "",
    });
  });

  test("tells the faults of all files, and ends with 2", async (t) => {
    const load = "stages:\n  - use: ./marks.mjs#mork\n  - use: ./gone.mjs\n";
    const graph = "stages: [{use: metadata_injector}]\nedges: [{from: source, to: sink}]\n";
    const cwd = await folderOf(t, {
      ...{ "bad.yaml": BAD, "good.yaml": GOOD, "load.yaml": load, "graph.yaml": graph },
      ...{ "marks.mjs": MARKS, "not.yaml": "a: [1" },
    });
    const files = ["bad.yaml", "good.yaml", "load.yaml", "graph.yaml", "not.yaml"];
    const { code, stdout } = await runCli(t, ["config", "check", ...files], { cwd });
    expect(code).toBe(2);
    expect(stdout.trimEnd().split("\n")).toEqual([
      'bad.yaml:2:1: unknown key "concurency", did you mean "concurrency"?',
      expect.stringMatching(/^bad\.yaml:4:10: stages\[0\]\.use: .*did you mean "pdf_extractor"\?/),
      'bad.yaml:5:14: stages[0].onError: expected "fail" or "skip" or "continue" (got "no")',
      "good.yaml: ok, 2 stages",
      expect.stringMatching(/^load\.yaml:2:10: stages\[0\]\.use: .*did you mean "mark"\?/),
      expect.stringMatching(/^load\.yaml:3:10: stages\[1\]\.use: .*gone\.mjs does not exist/),
      expect.stringMatching(/^graph\.yaml:1:10: stages\[0\]: no message reaches stage/),
      expect.stringMatching(/^graph\.yaml:1:10: stages\[0\]: messages do not get from stage/),
      expect.stringMatching(/^not\.yaml:1:6: flow sequence/),
    ]);
  });

  const EVERYTHING = `
name: 5
stages:
  - {name: a, use: ./gone.mjs}
  - {name: b, use: ./marks.mjs#mark, timeoutMs: 0}
  - {name: c, use: ./marks.mjs#mork, batch: {maxSize: 2}}
  - {name: d, use: ./marks.mjs#mark, batch: {maxSize: 2}}
edges:
  - {from: source, to: a}
  - {from: a, to: b}
  - {from: b, to: c}
  - {from: b, to: sink}
`;

  test("tells at once what is wrong in the text, in modules and in the graph", async (t) => {
    const cwd = await folderOf(t, { "p.yaml": EVERYTHING, "marks.mjs": MARKS });
    const { stdout } = await runCli(t, ["config", "check", "p.yaml"], { cwd });
    expect(stdout.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^p\.yaml:2:7: name: expected string/),
      expect.stringMatching(/^p\.yaml:4:20: stages\[0\]\.use: .*gone\.mjs does not exist/),
      expect.stringMatching(/^p\.yaml:5:49: stages\[1\]\.timeoutMs: too small/),
      expect.stringMatching(/^p\.yaml:6:20: stages\[2\]\.use: .*did you mean "mark"/),
      expect.stringMatching(/^p\.yaml:7:5: stages\[3\]: stage d has no processBatch/),
    ]);
  });

  test.for([
    ["an edge", "edges: [{from: source, to: snik}]", /no message/],
    ["what may have been plugins", "plugin: [./marks.mjs]", /stars/],
    ["a stage that is none", "description: 5", /no package/, "\n  - 7"],
  ] as const)("says nothing that follows from %s", async ([, more, consequence, stage = ""], t) => {
    const text = `stages:\n  - use: stars\n    name: kept${stage}\n${more}\n`;
    const cwd = await folderOf(t, { "p.yaml": text, "marks.mjs": MARKS });
    const { code, stdout } = await runCli(t, ["config", "check", "p.yaml"], { cwd });
    expect(code).toBe(2);
    expect(stdout).not.toMatch(consequence);
  });

  test("says what a start says, with the same places", async (t) => {
    const graph = "stages: [{use: metadata_injector}]\nedges: [{from: source, to: sink}]\n";
    const cwd = await folderOf(t, { "graph.yaml": graph });
    const check = await runCli(t, ["config", "check", "graph.yaml"], { cwd });
    const args = ["serve", "--config", "graph.yaml", "--port", "0", "--durability", "memory"];
    const { code, stderr } = await runCli(t, args, { cwd });
    expect(code).toBe(2);
    for (const line of check.stdout.trimEnd().split("\n")) expect(stderr).toContain(line);
  });

  test("a broker whose options do not fit is no `ok`", async (t) => {
    const lines = [
      "broker: redis://localhost",
      "redis: { objects: { url: s3://bucket } }",
      "stages: []",
    ];
    const cwd = await folderOf(t, { "p.yaml": `${lines.join("\n")}\n` });
    const { code, stdout } = await runCli(t, ["config", "check", "p.yaml"], { cwd });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^p\.yaml:1:9: broker: .*needs accessKeyId and secretAccessKey/);
  });

  test("options that a plugin's stage does not take are told where they stand", async (t) => {
    const stars = "stages:\n  - use: ./marks.mjs#stars\n    config: { colour: red }\n";
    const cwd = await folderOf(t, { "p.yaml": stars, "marks.mjs": MARKS });
    const { code, stdout } = await runCli(t, ["config", "check", "p.yaml"], { cwd });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^p\.yaml:3:15: stages\[0\]\.config: unknown option "colour"/);
  });

  test("a stage of a plugin that is broken is not told as a package that is missing", async (t) => {
    const text = "plugins: [./broken.mjs]\nstages: [{use: stars}]\n";
    const cwd = await folderOf(t, { "p.yaml": text, "broken.mjs": "throw new Error('no key');" });
    const { stdout } = await runCli(t, ["config", "check", "p.yaml"], { cwd });
    expect(stdout).toMatch(/^p\.yaml:1:11: .*no key$/m);
    expect(stdout).toMatch(/^p\.yaml:2:.*; a plugin that could not be loaded may offer it/m);
  });

  test("survives what means harm", async (t) => {
    const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 0; level < 12; level++) {
      bomb.push(`a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(", ")}]`);
    }
    const cwd = await folderOf(t, {
      "bomb.yaml": bomb.join("\n"),
      "deep.yaml": "[".repeat(100_000),
      "long.yaml": `# ${"x".repeat(2_000_000)}`,
    });
    const outcomes = ["bomb.yaml", "deep.yaml", "long.yaml"].map(async (file) => {
      const { code, stdout, stderr } = await runCli(t, ["config", "check", file], { cwd });
      return [code, stdout + stderr];
    });
    expect(await Promise.all(outcomes)).toEqual([
      [2, expect.stringMatching(/^bomb\.yaml:\d+:\d+: unfolds to more than 100000 values\n$/)],
      [2, expect.stringMatching(/^deep\.yaml:1:\d+: nested more than 64 deep\n$/)],
      [2, expect.stringMatching(/"long\.yaml": it is longer than 524288 bytes\n$/)],
    ]);
  });

  test("answers in JSON", async (t) => {
    const cwd = await folderOf(t, { "bad.yaml": BAD, "good.yaml": GOOD, "marks.mjs": MARKS });
    const { stdout } = await runCli(t, ["config", "check", "bad.yaml", "good.yaml", "--json"], {
      cwd,
    });
    const [bad, good] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(bad).toMatchObject({ file: "bad.yaml", ok: false, stages: null });
    expect(bad.faults[0]).toEqual({
      file: "bad.yaml",
      line: 2,
      column: 1,
      text: 'unknown key "concurency", did you mean "concurrency"?',
    });
    expect(good).toEqual({
      ...{ file: "good.yaml", ok: true, faults: [], warnings: [] },
      stages: ["metadata_injector", "mark"],
    });
  });

  test("warns of what is not available in a file of the other form", async (t) => {
    const text =
      "stages:\n  - {name: s, type: source, actor: 'a.b:C'}\n" +
      "  - {name: audio, actor: 'a.audio_extractor:C'}\n" +
      "  - {name: pdf, actor: 'a.pdf_extractor:C'}\n" +
      "  - {name: r, type: sink, actor: 'a.message_broker_task_sink:C'}\n";
    const cwd = await folderOf(t, { "other.yaml": text });
    const { code, stdout } = await runCli(t, ["config", "check", "other.yaml"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^other\.yaml:3:5: warning: stages\[1\]: stage "audio" .*not available/);
    expect(stdout).toMatch(/^other\.yaml: ok, 1 stage$/m);
  });
});

describe("config print", () => {
  const env = { COUNT: "4", API_TOKEN: "canary2" };

  test("shows each value and where it comes from, and no secret", async (t) => {
    const cwd = await folderOf(t, { "good.yaml": GOOD, "marks.mjs": MARKS });
    const { code, stdout } = await runCli(t, ["config", "print", "good.yaml"], { cwd, env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/concurrency +│ 4 +│ \$COUNT \(good\.yaml:2\)/);
    expect(stdout).toMatch(
      /stages\[1\]\.config\.text +│ +marked +│ good\.yaml:7 \(\$TEXT is not set\)/,
    );
    expect(stdout).toMatch(/taskQueue +│ ingest_task_queue +│ default/);
    expect(stdout).toMatch(/config\.apiKey +│ \(hidden\)/);
    expect(stdout).not.toContain("canary");
  });

  test("prints what reads back", async (t) => {
    const cwd = await folderOf(t, { "good.yaml": GOOD.replace("apiKey: canary1, ", "") });
    for (const format of ["yaml", "json"]) {
      const first = await runCli(t, ["config", "print", "good.yaml", "--format", format], {
        cwd,
        env,
      });
      await writeFile(join(cwd, `again.${format}`), first.stdout);
      const args = ["config", "print", `again.${format}`, "--format", format];
      const second = await runCli(t, args, { cwd, env });
      expect(second.stdout).toBe(first.stdout);
      expect(first.stdout).not.toContain("canary");
      expect(first.stdout).toContain("$API_TOKEN");
    }
  });

  test("prints a module that defines a pipeline, too", async (t) => {
    const text =
      'export default { name: "of code", stages: [{ use: (message) => message, name: "f" }] };';
    const cwd = await folderOf(t, { "p.mjs": text });
    const { stdout } = await runCli(t, ["config", "print", "p.mjs", "--json"], { cwd });
    const { values } = JSON.parse(stdout);
    expect(values).toContainEqual({ path: "name", value: "of code", origin: "code" });
    expect(values).toContainEqual({
      path: "stages[0].use",
      value: "(function use)",
      origin: "code",
    });
  });
});

test("config schema prints a JSON Schema in which everything is described", async (t) => {
  const { stdout } = await runCli(t, ["config", "schema"]);
  const schema = JSON.parse(stdout);
  expect(schema.additionalProperties).toBe(false);
  const undescribed: string[] = [];
  const visit = (properties: Record<string, never>, path: string) => {
    for (const [name, property] of Object.entries<{
      description?: string;
      properties?: Record<string, never>;
      items?: { properties?: Record<string, never> };
    }>(properties)) {
      const inner = property.properties ?? property.items?.properties;
      if (inner !== undefined) visit(inner, `${path}${name}.`);
      else if (property.description === undefined) undescribed.push(`${path}${name}`);
    }
  };
  visit(schema.properties, "");
  expect(undescribed).toEqual([]);
  expect(schema.properties.stages.items.properties.use.type).toBe("string");
});

describe("plugins", () => {
  test("lists the built-in stages with their options", async (t) => {
    const { code, stdout } = await runCli(t, ["plugins"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}pdf_extractor {2}Extracts /m);
    expect(stdout).toMatch(/^ {6}maxPages: integer = 100000 /m);
  });

  test("lists what a file names, and nothing is loaded besides", async (t) => {
    const text =
      "plugins: [./marks.mjs]\n" +
      "stages:\n  - use: stars\n  - use: ./only.mjs#f\n  - use: ./gone.mjs\n    name: gone\n";
    const cwd = await folderOf(t, {
      "p.yaml": text,
      "marks.mjs": MARKS,
      "only.mjs": "export const f = (message) => message;",
      "beside.mjs": "console.log('loaded')",
    });
    const { code, stdout } = await runCli(t, ["plugins", "p.yaml"], { cwd });
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^\.\/marks\.mjs \(marks\) 1\.2\.3\n {2}\.\/marks\.mjs#stars {2}Adds a star\./,
    );
    expect(stdout).toMatch(/^\.\/only\.mjs\n {2}\.\/only\.mjs#f/m);
    expect(stdout).toMatch(/^\.\/gone\.mjs\n {2}.*does not exist/m);
    expect(stdout).not.toContain("loaded");
    const listed = await runCli(t, ["plugins", "p.yaml", "--json"], { cwd });
    const [marks] = JSON.parse(listed.stdout).modules;
    expect(marks).toEqual({
      ...{ module: "./marks.mjs", name: "marks", version: "1.2.3" },
      stages: [{ use: "./marks.mjs#stars", about: "Adds a star.", version: "7", options: [] }],
    });
  });
});

/** The text of a job that went through the pipeline of a broker. */
async function textThrough(port: number): Promise<unknown> {
  await using client = new SimpleClient({ host: "127.0.0.1", port });
  const job = encodeJob(createJob({ documents: [{ name: "a.txt", content: "go" }] }));
  const submitted = await client.submitMessage("ingest_task_queue", job, { forNvIngest: true });
  const text = await client.fetchMessage(submitted.transactionId, { timeoutMs: 25_000 });
  return parseResult(text ?? "").data?.[0]?.metadata.content;
}

describe("--config", () => {
  test("serve runs the stages of the file, and listens where its broker is", async (t) => {
    const text = `${GOOD}broker: simple://127.0.0.1:1\n`;
    const cwd = await folderOf(t, { "p.yaml": text, "marks.mjs": MARKS });
    // The flag wins over the file.
    const cli = startCli(t, ["serve", "--config", "p.yaml", "--port", "0"], { cwd });
    expect(await textThrough(await listeningPort(cli))).toBe("go marked");
    cli.child.kill("SIGTERM");
    expect(await cli.ended).toMatchObject({ code: 0 });
  });

  test("pipeline takes its broker from the file, and the file from a variable", async (t) => {
    const broker = await startBroker(t);
    const cwd = await folderOf(t, { "p.yaml": `${GOOD}broker: $BROKER\n`, "marks.mjs": MARKS });
    const env = { MILLRACE_CONFIG: "p.yaml", BROKER: `simple://127.0.0.1:${broker.port}` };
    const cli = startCli(t, ["pipeline"], { cwd, env });
    await cli.line(/^ready .*concurrency 3\)/m);
    expect(await textThrough(broker.port)).toBe("go marked");
  });

  test("ingest works with the stages of the file", async (t) => {
    const cwd = await folderOf(t, { "p.yaml": GOOD, "marks.mjs": MARKS, "a.txt": "go" });
    const args = ["ingest", "a.txt", "--config", "p.yaml", "--format", "md"];
    expect(await runCli(t, args, { cwd })).toMatchObject({ code: 0 });
    expect(await readFile(join(cwd, "out", "a.txt.md"), "utf8")).toContain("go marked");
  });

  test("a file with faults starts nothing", async (t) => {
    const cwd = await folderOf(t, { "p.yaml": BAD });
    const { code, stdout, stderr } = await runCli(t, ["serve", "--config", "p.yaml"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/p\.yaml has 2 faults:\np\.yaml:2:1: unknown key/);
  });

  test("--print-config shows what comes from the file, and who wins", async (t) => {
    const text =
      "concurrency: 5\nleaseMs: 2000\nworkers: {maxThreads: 2}\nbroker: simple://127.0.0.1:99\n";
    const cwd = await folderOf(t, { "p.yaml": text });
    const args = ["serve", "--config", "p.yaml", "--concurrency", "7", "--print-config"];
    const env = { MILLRACE_LEASE_MS: "3000" };
    const { stdout } = await runCli(t, [...args, "--json"], { cwd, env });
    const { options } = JSON.parse(stdout);
    expect(options["pipeline.concurrency"]).toMatchObject({ value: 7, origin: "flag" });
    expect(options["pipeline.leaseMs"]).toMatchObject({ value: 3000, origin: "environment" });
    expect(options["pipeline.workers.maxThreads"]).toMatchObject({
      ...{ value: 2, origin: "file", place: "p.yaml:3" },
    });
    expect(options["broker.port"]).toMatchObject({ value: 99, origin: "file" });
    expect(options["pipeline.stageTimeoutMs"]).toMatchObject({ origin: "default" });
    const table = await runCli(t, args, { cwd, env });
    expect(table.stdout).toMatch(/max-threads +│ 2 +│ p\.yaml:3/);
  });
});
