// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the form under test
/**
 * Goal: a pipeline file says what it means, or where it is wrong; in YAML, in JSON and in code the same.
 * Method: files in a folder of their own; what is printed of one is read again.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import type { IngestControlMessage } from "../../message/index.js";
import { LocalPipelineSettings } from "../local-pipeline-settings.js";
import { definePipeline } from "./definition/define-pipeline.js";
import type { PipelineDefinition } from "./definition/pipeline-definition.js";
import { definitionText, explainPipeline } from "./explain.js";
import { fileFaultText, pipelineFromCode } from "./named-pipeline.js";
import { readPipelineFile, tryPipelineFile } from "./read-pipeline-file.js";
import type { Environment } from "./text/substitute.js";

interface Written {
  readonly name?: string;
  readonly environment?: Environment;
}

async function write(t: TestContext, text: string, name = "p.yaml"): Promise<string> {
  const file = join(await temporaryFolder(t), name);
  await writeFile(file, text);
  return file;
}

async function read(t: TestContext, text: string, { name, environment = {} }: Written = {}) {
  return await readPipelineFile(await write(t, text, name), environment);
}

/** The faults of a text, without its folder. */
async function faultsOf(t: TestContext, text: string, environment: Environment = {}) {
  const file = await write(t, text);
  const { faults } = await tryPipelineFile(file, environment);
  return faults.map((fault) => fileFaultText({ ...fault, file: "p" }));
}

describe("faults have their place", () => {
  test.for<[string, string[]]>([
    ["concurency: 5", ['p:1:1: unknown key "concurency", did you mean "concurrency"?']],
    ["concurrency: many", ['p:1:14: concurrency: expected number, received string (got "many")']],
    ["concurrency: 0", ["p:1:14: concurrency: too small: expected number to be >=1 (got 0)"]],
    ["concurrency:", ["p:1:13: concurrency: expected number, received null"]],
    [
      "broker: localhost:7671",
      [
        'p:1:9: broker: the broker URL "localhost:7671" does not begin with simple:// or redis://; write it like simple://127.0.0.1:7671',
      ],
    ],
    [
      "stages: pdf_extractor",
      [
        'p:1:9: stages: expected array, received string; begin each stage with "- use: " (got "pdf_extractor")',
      ],
    ],
    [
      "stages: [pdf_extractor]",
      ['p:1:10: stages[0]: expected an object; write { use: … } (got "pdf_extractor")'],
    ],
    ["", ['p:1:1: there is nothing in it; begin with "stages:" and a list of them']],
    ["edges: [[source, sink]]", ["p:1:9: edges[0]: expected an object; write { from: …, to: … }"]],
    [
      "stages:\n  - use: pdf_extractor\n    maxPages: 3",
      ['p:3:5: stages[0]: unknown key "maxPages"; it belongs under "config"'],
    ],
    ["stages:\n  - name: a", ['p:2:5: stages[0]: "use" is missing']],
    ["stages:\n  - use: 5", ["p:2:10: stages[0].use: expected string (got 5)"]],
    [
      "stages:\n  - use: a\n    runsOn: thread",
      ['p:3:5: stages[0]: unknown key "runsOn", did you mean "runOn"?'],
    ],
    [
      "stages:\n  - use: a\n    runOn: tread",
      [
        'p:3:12: stages[0].runOn: expected "main" or "thread", did you mean "thread"? (got "tread")',
      ],
    ],
    [
      "stages:\n  - use: a\n    concurrency: {min: 3, max: 2}",
      ["p:3:18: stages[0].concurrency: min must not be more than max"],
    ],
    [
      "stages:\n  - use: a\n    concurrency: {min: 3, mox: 2}",
      [
        'p:3:5: stages[0].concurrency: "max" is missing',
        'p:3:27: stages[0].concurrency: unknown key "mox", did you mean "max"?',
      ],
    ],
    [
      "stages:\n  - use: a\n    concurrency: lots",
      ['p:3:18: stages[0].concurrency: expected integer, or `{min, max}` (got "lots")'],
    ],
    [
      "stages:\n  - use: a\n    batch: {maxSize: 2, maxWait: 5}",
      ['p:3:25: stages[0].batch: unknown key "maxWait", did you mean "maxWaitMs"?'],
    ],
    [
      "stages:\n  - use: a\n    retry:\n      maxAttempts: x",
      ['p:4:20: stages[0].retry.maxAttempts: expected number, received string (got "x")'],
    ],
    [
      "stages:\n  - use: pdf_extractor\n    config:\n      maxPags: 3",
      ['p:4:7: stages[0].config: unknown key "maxPags", did you mean "maxPages"?'],
    ],
    [
      "stages:\n  - use: metadata_injector\n    config: {a: 1}",
      ['p:3:14: stages[0].config: unknown key "a"'],
    ],
    [
      "stages:\n  - use: ./x.js#a\n  - use: ./y.js#a",
      ['p:3:10: stages[1].use: stages[0] is named "a" too; give one of them another "name"'],
    ],
    [
      "stages:\n  - {name: sink, use: a}",
      ['p:2:12: stages[0].name: every pipeline has a part named "sink"; choose another "name"'],
    ],
    [
      "stages:\n  - {use: reader}\n  - {use: b, runsAfter: [source, raeder]}",
      ['p:3:34: stages[1].runsAfter[1]: there is no stage "raeder", did you mean "reader"?'],
    ],
    [
      "stages: [{use: reader}]\nedges:\n  - {from: source, to: raeder}\n  - from: sink\n    to: sink",
      [
        'p:3:24: edges[0].to: there is no stage "raeder", did you mean "reader"?',
        'p:4:11: edges[1].from: there is no stage "sink"',
      ],
    ],
    [
      "udf:\n  hooks:\n    pdf_extracter: {before: ./a.js#b}",
      ['p:3:5: udf.hooks: there is no stage "pdf_extracter", did you mean "pdf_extractor"?'],
    ],
    ["a: 1\na: 2\nconcurency: 3", ['p:2:1: the key "a" is there twice']],
    ["- a", ['p:1:1: expected object, received array; begin with "stages:" and a list of them']],
  ])("%j", async ([text, expected], t) => {
    expect(await faultsOf(t, text)).toEqual(expected);
  });

  test("all of them at once, in their order", async (t) => {
    const text = "metrics: {prt: 1}\nstages:\n  - use: 1\n  - use: a\n    onError: no\nnam: x\n";
    const faults = await faultsOf(t, text);
    expect(faults.map((fault) => fault.split(":").slice(1, 3).join(":"))).toEqual([
      "1:11",
      "3:10",
      "5:14",
      "6:1",
    ]);
  });

  test("no more than a hundred are listed", async (t) => {
    const text = Array.from({ length: 250 }, (_, i) => `key${i}: 1`).join("\n");
    const faults = await faultsOf(t, text);
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toBe("p: and 150 more");
  });

  test("a variable that is missing is named, the value of one that is there is not shown", async (t) => {
    const text = 'concurrency: $COUNT\nleaseMs: $LEASE\nbroker: "$URL"\n';
    expect(await faultsOf(t, text, { LEASE: "canary", URL: "other://canary:canary@host" })).toEqual(
      [
        "p:1:14: concurrency: expected number, received null ($COUNT is not set)",
        "p:2:10: leaseMs: expected number, received string (got the value of $LEASE)",
        expect.not.stringContaining("canary"),
      ],
    );
  });

  test("the error of a file that has any lists them", async (t) => {
    await expect(read(t, "a: 1\nb: 2")).rejects.toMatchObject({
      code: "RUNTIME_PIPELINE_INVALID",
      message: expect.stringMatching(/has 2 faults:\n.*p\.yaml:1:1: .*\n.*p\.yaml:2:1: /),
    });
  });
});

describe("files that are none", () => {
  test("are refused with the reason", async (t) => {
    const folder = await temporaryFolder(t);
    const refused = (file: string) =>
      expect(readPipelineFile(file, {})).rejects.toMatchObject({
        code: "RUNTIME_PIPELINE_FILE_UNREADABLE",
      });
    await refused(folder);
    await refused(join(folder, "missing.yaml"));
    await refused("/dev/zero");
    await writeFile(join(folder, "long.yaml"), `#${"x".repeat(600_000)}`);
    await refused(join(folder, "long.yaml"));
    await writeFile(join(folder, "bytes.yaml"), Buffer.from([0x61, 0xff, 0xfe]));
    await refused(join(folder, "bytes.yaml"));
  });

  test("a module without a definition has faults, too", async (t) => {
    const file = await write(t, "export const a = 1;", "none.mjs");
    expect((await tryPipelineFile(file, {})).faults[0]?.text).toMatch(/no default export/);
    const broken = await write(t, "throw new Error('went wrong');", "broken.mjs");
    expect((await tryPipelineFile(broken, {})).faults[0]?.text).toMatch(/went wrong/);
    const wrong = await write(t, "export default { stages: [{ use: 5 }] };", "wrong.mjs");
    expect((await tryPipelineFile(wrong, {})).faults[0]?.text).toMatch(/^stages\[0\]\.use: /);
  });
});

const DEFINITION = {
  name: "letters",
  description: "costs $5, #1: yes",
  broker: "simple://127.0.0.1:7671",
  concurrency: 6,
  workers: { maxThreads: 2 },
  plugins: ["./redact.js"],
  udf: { policy: "ignore", registry: { mark: "./mark.js#mark" }, phases: { read: 1 } },
  metrics: { port: 0 },
  stages: [
    { use: "metadata_injector" },
    {
      name: "read",
      use: "pdf_extractor",
      config: { maxPages: 7 },
      concurrency: { min: 1, max: 4 },
      retry: { maxAttempts: 3 },
      checkpoint: true,
    },
    {
      use: "./redact.js#words",
      config: {
        words: ["5", "true", "null", "a: b", "$HOME", "multi\nline"],
        deep: { n: [1, null] },
      },
      batch: { maxSize: 4 },
      runOn: "thread",
      runsAfter: ["read"],
      onError: "skip",
      enabled: false,
    },
  ],
  edges: [{ from: "source", to: "metadata_injector" }],
} satisfies PipelineDefinition;

/** As it must be written where `$` begins a variable. */
const inFile = (value: object) => JSON.stringify(value).replaceAll("$", "$$$$");

describe("one definition", () => {
  test("is the same in YAML, in JSON, in a module and in code", async (t) => {
    const defined = definePipeline(DEFINITION);
    const yaml = definitionText({ ...pipelineFromCode(defined), places: undefined }, "yaml");
    const module = `export default ${JSON.stringify(DEFINITION)};`;
    expect((await read(t, inFile(DEFINITION), { name: "p.json" })).definition).toEqual(defined);
    expect((await read(t, yaml)).definition).toEqual(defined);
    expect((await read(t, module, { name: "p.mjs" })).definition).toEqual(defined);
    expect(definePipeline(defined)).toEqual(defined);
  });

  test.for(["yaml", "json"] as const)("printed as %s it reads back", async (format, t) => {
    const first = await read(t, inFile(DEFINITION));
    const again = await read(t, definitionText(first, format));
    expect(again.definition).toEqual(first.definition);
    expect(definitionText(again, format)).toBe(definitionText(first, format));
  });

  test("has the defaults of the pipeline that runs it, and names for its stages", () => {
    const { stages, edges, workers, concurrency } = definePipeline({});
    const settings = LocalPipelineSettings.parse({});
    expect({ workers, concurrency }).toEqual({
      workers: settings.workers,
      concurrency: settings.concurrency,
    });
    expect(edges).toEqual([]);
    expect(stages.map(({ name }) => name)).toEqual([
      ...["metadata_injector", "pdf_extractor", "docx_extractor", "pptx_extractor"],
      ...["html_extractor", "image_extractor", "sheet_extractor", "epub_extractor"],
      ...["eml_extractor", "image_filter", "image_dedup", "text_splitter", "text_embedder"],
    ]);
    const function_ = function shorten(message: IngestControlMessage) {
      return message;
    };
    const uses = ["./a/b.c.mjs", "./a.js#words", "pkg#kind", "@scope/pkg", function_, () => 1];
    const named = definePipeline({ stages: uses.map((use) => ({ use: use as string })) });
    expect(named.stages.map(({ name }) => name)).toEqual([
      ...["b.c", "words", "kind", "pkg", "shorten", "function_6"],
    ]);
  });

  test("has room for the stages that say how many they take", () => {
    const stages = [
      { use: "a", concurrency: 20 },
      { use: "b", concurrency: { min: 1, max: 10 } },
      { use: "c", batch: { maxSize: 50 } },
      { use: "d", concurrency: 500, enabled: false },
    ];
    expect(definePipeline({ stages }).concurrency).toBe(80);
    expect(definePipeline({ stages, concurrency: 5 }).concurrency).toBe(5);
    expect(definePipeline({ stages: [] }).stages).toEqual([]);
  });

  test("of code has all its faults told at once", () => {
    const wrong = { nme: "x", stages: [{ use: 5 }, { use: "a", runsAfter: ["b"] }] };
    expect(() => definePipeline(wrong as unknown as PipelineDefinition)).toThrow(
      /3 faults:\nstages\[0\]\.use: .*\nunknown key "nme".*\n.*no stage "b"/,
    );
  });
});

describe("each value tells where it comes from", () => {
  test("file, variable or default", async (t) => {
    const text = "name: $NAME\nconcurrency: $COUNT|3\nstages:\n  - use: a\n    config: {x: 1}\n";
    const pipeline = await read(t, text, { environment: { NAME: "letters" } });
    const file = "p.yaml";
    const values = new Map(
      explainPipeline({ ...pipeline, file }).map(({ path, ...rest }) => [path, rest]),
    );
    expect(values.get("name")).toEqual({ value: "letters", origin: "$NAME (p.yaml:1)" });
    expect(values.get("concurrency")).toEqual({ value: 3, origin: "p.yaml:2 ($COUNT is not set)" });
    expect(values.get("stages[0].config.x")).toEqual({ value: 1, origin: "p.yaml:5" });
    expect(values.get("taskQueue")).toEqual({ value: "ingest_task_queue", origin: "default" });
    expect(values.get("stages[0].enabled")).toEqual({ value: true, origin: "default" });
  });

  test("code, with functions by their names", () => {
    const shorten = (message: IngestControlMessage) => message;
    const stage = { name: "own", process: (message: IngestControlMessage) => message };
    const pipeline = pipelineFromCode(
      definePipeline({ stages: [{ use: shorten }, { use: stage }] }),
    );
    const values = explainPipeline({ ...pipeline, places: undefined });
    expect(values.filter(({ path }) => path.endsWith("use"))).toEqual([
      { path: "stages[0].use", value: "(function shorten)", origin: "code" },
      { path: "stages[1].use", value: "(stage own)", origin: "code" },
    ]);
    expect(definitionText({ ...pipeline, places: undefined }, "yaml")).toContain("(stage own)");
  });
});

describe("secrets", () => {
  const text = [
    "stages:",
    "  - use: ./a.js",
    "    config:",
    "      apiKey: canary1",
    "      api_token: 123454321",
    "      headers: {Authorization: Bearer canary2, plain: $MY_SECRET}",
    "      passwords: [canary3, canary4]",
    "      endpoint: https://user:canary5@host/v1",
    "      fromVariable: {password: $PASS}",
    "      key: ${PASS|canary6}",
    "      maxTokens: 512",
    "      keyed: false",
    "      monkey: false",
  ].join("\n");
  const environment = { MY_SECRET: "canary7", PASS: "canary8" };

  test("are shown nowhere", async (t) => {
    const pipeline = await read(t, text, { environment });
    const shown = [
      JSON.stringify(explainPipeline(pipeline)),
      definitionText(pipeline, "yaml"),
      definitionText(pipeline, "json"),
    ].join("\n");
    expect(shown).not.toMatch(/canary|123454321/);
    expect(shown).toContain('"value":512');
    expect(shown).toContain("https://…@host/v1");
    expect(JSON.stringify(pipeline.definition).match(/canary\d/g)).toHaveLength(8);
  });

  test("of variables read back, since their names are printed", async (t) => {
    const own = "stages: [{use: ./a.js, config: {password: $PASS, x: $MY_SECRET}}]";
    const pipeline = await read(t, own, { environment });
    const again = await read(t, definitionText(pipeline, "yaml"), { environment });
    expect(again.definition).toEqual(pipeline.definition);
  });

  test("are not told in faults either", async (t) => {
    const wrong = [
      "stages:",
      "  - use: pdf_extractor",
      "    config: {apiKey: canary, maxPages: $PASS, strictCapabilities: https://u:canary@h}",
      "    timeoutMs: $PASS",
      "    name: [$PASS]",
      "    runsAfter: [$PASS]",
    ].join("\n");
    const faults = await faultsOf(t, wrong, environment);
    expect(faults).toHaveLength(6);
    expect(faults.join("\n")).not.toContain("canary");
  });
});
