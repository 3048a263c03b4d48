/**
 * Goal: a pipeline does what its file says: stages of files, of plugins and of threads, with their
 * options, switched off or on, with functions that jobs may name. Method: files in a folder of their own,
 * a pipeline of them at work, real jobs through it.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";
import { describe, expect, type TestContext, test } from "vitest";
import { createJob, encodeJob, type IngestControlMessage } from "../../src/message/index.js";
import { definePipeline, pipelineFromCode, readPipelineFile } from "../../src/runtime/index.js";
import { folderOf, startDefined } from "../helpers/defined-pipeline.js";

/** Functions that write their names into the text, so that its end tells the way it came. */
const TRACES = `
import { threadId } from "node:worker_threads";
const mark = (message, text) => {
  for (const row of message.payload) row.metadata.content += text;
  return message;
};
export const one = (message, { config }) => mark(message, config.mark ?? " one");
export const two = (message) => mark(message, " two");
export const three = (message) => mark(message, " three");
export const fails = () => { throw new Error("on purpose"); };
export const place = (message) => mark(message, " " + threadId);
`;
const INJECT = "  - use: metadata_injector\n";

async function start(t: TestContext, files: Record<string, string>) {
  const folder = await folderOf(t, { "traces.mjs": TRACES, ...files });
  const pipeline = await readPipelineFile(join(folder, "p.yaml"), { MARK: " *" });
  return { ...(await startDefined(t, pipeline)), folder };
}

/** What the text of a job is at the end. */
async function textThrough(t: TestContext, stages: string, more: Record<string, string> = {}) {
  const { resultOf } = await start(t, { "p.yaml": `stages:\n${INJECT}${stages}`, ...more });
  const result = await resultOf("go");
  expect(result.status).toBe("success");
  return String(result.data?.[0]?.metadata.content);
}

describe("stages of files", () => {
  test("run in their order, with their options", async (t) => {
    const stages =
      "  - {use: ./traces.mjs#two}\n  - {use: ./traces.mjs#one, config: {mark: $MARK|x}}\n";
    expect(await textThrough(t, stages)).toBe("go two *");
  });

  test("may be used several times under names of their own", async (t) => {
    const stages =
      "  - {use: ./traces.mjs#one, name: a, config: {mark: a}}\n" +
      "  - {use: ./traces.mjs#one, name: b, config: {mark: b}}\n";
    expect(await textThrough(t, stages)).toBe("goab");
  });

  test("are left out when they are switched off, and what is around them is joined", async (t) => {
    const stages =
      "  - {use: ./traces.mjs#one}\n" +
      "  - {use: ./not-there.mjs#two, name: two, enabled: false, runsAfter: [one]}\n" +
      "  - {use: ./traces.mjs#three, runsAfter: [two]}\n" +
      "edges:\n" +
      "  - {from: source, to: metadata_injector}\n" +
      "  - {from: metadata_injector, to: one}\n" +
      "  - {from: one, to: two}\n" +
      "  - {from: two, to: three}\n" +
      "  - {from: three, to: sink}\n";
    expect(await textThrough(t, stages)).toBe("go one three");
  });

  test("follow the edges, not the list", async (t) => {
    const stages =
      "  - {use: ./traces.mjs#one}\n" +
      "  - {use: ./traces.mjs#two}\n" +
      "edges:\n" +
      "  - {from: source, to: metadata_injector}\n" +
      "  - {from: metadata_injector, to: two}\n" +
      "  - {from: two, to: one}\n" +
      "  - {from: one, to: sink}\n";
    expect(await textThrough(t, stages)).toBe("go two one");
  });

  test("run in threads when the file says so", async (t) => {
    const stages =
      "  - {use: ./traces.mjs#place, runOn: thread}\n  - {use: ./traces.mjs#place, name: here}\n";
    const [, there, here] = (await textThrough(t, stages)).split(" ");
    expect(here).toBe(String(threadId));
    expect(there).not.toBe(here);
  });

  test("get what the file says of failures", async (t) => {
    const stages = "  - {use: ./traces.mjs#fails, onError: skip}\n  - {use: ./traces.mjs#two}\n";
    expect(await textThrough(t, stages)).toBe("go two");
  });
});

describe("plugins", () => {
  const plugin = (text: string) => ({
    "plugin.mjs":
      "export const plugin = { name: 'marks', stages: { marker: { about: 'Marks.', " +
      `create: () => (message) => { for (const row of message.payload) row.metadata.content += "${text}"; ` +
      "return message; } } } };",
  });

  test("offer stages by their bare names once they are listed", async (t) => {
    const stages =
      "  - {use: marker}\n  - {use: ./plugin.mjs#marker, name: again}\nplugins: [./plugin.mjs]\n";
    expect(await textThrough(t, stages, plugin(" m"))).toBe("go m m");
  });

  test("check the options of their stages", async (t) => {
    const text = "stages:\n  - use: ./plugin.mjs#marker\n    config: {a: 1}\n";
    await expect(start(t, { "p.yaml": text, ...plugin("") })).rejects.toMatchObject({
      code: "RUNTIME_PIPELINE_INVALID",
      message: expect.stringMatching(/p\.yaml:3:14: stages\[0\]\.config: unknown option "a"/),
    });
  });
});

describe("what cannot be loaded is told before the first job, all at once", () => {
  test("with its places", async (t) => {
    const text =
      "plugins: [./none.mjs, ./traces.mjs]\n" +
      "stages:\n" +
      "  - use: pdf_extracter\n" +
      "  - use: ./traces.mjs#tow\n" +
      "  - use: ./traces.mjs#too\n" +
      "    runOn: thread\n" +
      "  - use: ./tracs.mjs\n" +
      "    name: last\n" +
      "udf: {registry: {f: ./traces.mjs#fo}}\n";
    const started = start(t, { "p.yaml": text });
    const expected = [
      /p\.yaml:1:11: plugins\[0\]: .*none\.mjs does not exist/,
      /p\.yaml:1:23: plugins\[1\]: .*exports no plugin/,
      /p\.yaml:3:10: stages\[0\]\.use: .*did you mean "pdf_extractor"\?/,
      /p\.yaml:4:10: stages\[1\]\.use: .*did you mean "two"\?/,
      /p\.yaml:5:10: stages\[2\]\.use: .*has no "too"/,
      /p\.yaml:7:10: stages\[3\]\.use: .*did you mean "traces\.mjs"\?/,
      /p\.yaml:9:21: udf\.registry\.f: .*has no "fo"/,
    ];
    const error = await started.then(
      () => undefined,
      (reason: Error) => reason,
    );
    for (const pattern of expected) expect(error?.message).toMatch(pattern);
    expect(error?.message).toMatch(/has 7 faults/);
  });

  test("and a graph that does not hold together", async (t) => {
    const text = `stages:\n${INJECT}edges:\n  - {from: source, to: sink}\n`;
    await expect(start(t, { "p.yaml": text })).rejects.toMatchObject({
      code: "RUNTIME_PIPELINE_INVALID",
      message: expect.stringMatching(/p\.yaml:\d+:\d+: stages\[0\]: no message reaches stage/),
    });
  });
});

describe("functions", () => {
  const udfJob = (name: string) =>
    encodeJob(
      createJob({
        documents: [{ name: "a.txt", content: "go" }],
        tasks: [
          {
            type: "udf",
            task_properties: {
              udf_function: "canary",
              udf_function_name: name,
              target_stage: "two",
              run_before: true,
            },
          },
        ],
      }),
    );
  const text = (more: string) =>
    `stages:\n${INJECT}  - {use: ./traces.mjs#two}\n` +
    `udf:\n  registry: {ones: ./traces.mjs#one}\n${more}`;

  test("of the registry run where a job asks for them; others fail it", async (t) => {
    const { resultOf } = await start(t, { "p.yaml": text("") });
    const done = await resultOf("", udfJob("ones"));
    expect(done.data?.[0]?.metadata.content).toBe("go one two");
    expect((await resultOf("", udfJob("other"))).status).toBe("failed");
  });

  test("of hooks run around their stage in every job", async (t) => {
    const hooks = "  hooks: {two: {before: ./traces.mjs#three, after: ./traces.mjs#one}}\n";
    const { resultOf } = await start(t, { "p.yaml": text(`  policy: ignore\n${hooks}`) });
    const result = await resultOf("", udfJob("other"));
    expect(result.data?.[0]?.metadata.content).toBe("go three two one");
  });

  test("work in a graph, too", async (t) => {
    const edges =
      "edges:\n  - {from: source, to: metadata_injector}\n" +
      "  - {from: metadata_injector, to: two}\n  - {from: two, to: sink}\n";
    const { resultOf } = await start(t, { "p.yaml": text(edges) });
    expect((await resultOf("", udfJob("ones"))).data?.[0]?.metadata.content).toBe("go one two");
    expect((await resultOf("", udfJob("other"))).status).toBe("failed");
  });
});

test("a pipeline of code does the same, with functions and stages as they are", async (t) => {
  const folder = await folderOf(t, { "traces.mjs": TRACES });
  class Counter {
    #count = 0;
    readonly name = "counter";
    process(message: IngestControlMessage) {
      message.setMetadata("count", ++this.#count);
      return message;
    }
  }
  const definition = definePipeline({
    stages: [
      { use: "metadata_injector" },
      { use: new Counter(), name: "renamed" },
      { use: "./traces.mjs#two" },
      {
        name: "last",
        config: { mark: " last" },
        use(message, { config }) {
          for (const { metadata } of message.payload) {
            if (metadata !== undefined) metadata.content += `${config.mark}`;
          }
          return message;
        },
      },
    ],
  });
  const base = pathToFileURL(`${folder}/`);
  const { resultOf, local } = await startDefined(t, pipelineFromCode(definition, { base }));
  expect((await resultOf("go")).data?.[0]?.metadata.content).toBe("go two last");
  expect(JSON.stringify(local.getStats())).toContain('"renamed"');
});

test("a function of code is not sent to a thread", async (t) => {
  const definition = definePipeline({ stages: [{ use: (message) => message, runOn: "thread" }] });
  await expect(startDefined(t, pipelineFromCode(definition))).rejects.toThrow(
    /stages\[0\]\.use: .*cannot go to a thread; name its file/,
  );
});
