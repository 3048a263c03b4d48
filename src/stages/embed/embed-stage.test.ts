/**
 * Goal: each row gets the vector of its own text, as the task and the operator say, and whatever a model
 * answers ends in vectors or in a clear failure. Method: the stage against a server of the test that
 * answers as good and bad models do.
 */
import { expect, test } from "vitest";
import { type AskedRequest, answerJson, modelServer } from "../../../test/helpers/model-server.js";
import { completeRowMetadata, IngestControlMessage, type Row } from "../../message/index.js";
import { stageContext } from "../../testing/index.js";
import type { EmbedOptions } from "./embed-options.js";
import { embedStage } from "./embed-stage.js";

const KEY = "canary-key";

const textRow = (content: string): Row => ({
  documentType: "text",
  metadata: completeRowMetadata({ content, content_metadata: { type: "text" } }),
});
const ROWS = (): Row[] => [
  {
    documentType: "image",
    metadata: completeRowMetadata({
      content: "iVBO",
      content_metadata: { type: "image", subtype: "page_image" },
      image_metadata: { image_type: "png", text: "page", caption: "no" },
    }),
  },
  textRow("one"),
  textRow("  "),
  {
    documentType: "structured",
    metadata: completeRowMetadata({
      content: "",
      content_metadata: { type: "structured", subtype: "table" },
      table_metadata: { table_format: "markdown", table_content: "| a |" },
    }),
  },
];

/** A vector that tells its text: its length and the number of the request. */
const vectors = ({ json }: AskedRequest) => ({
  data: (json as { input: string[] }).input.map((text, index) => ({
    index,
    embedding: [text.length],
  })),
});

async function embed(rows: Row[], options: EmbedOptions, properties: Record<string, unknown> = {}) {
  const message = new IngestControlMessage();
  message.payload = rows;
  message.addTask({ type: "embed", properties });
  await embedStage({ options }).process(message, stageContext());
  return message;
}

test("rows get the vectors of their texts, those without text keep none", async () => {
  const server = await modelServer((request, response) => answerJson(response, vectors(request)));
  const { payload } = await embed(ROWS(), { url: server.url, apiKey: KEY });
  expect(payload.map(({ metadata }) => metadata?.embedding)).toEqual([[4], [3], null, [5]]);
  expect(server.requests.map(({ json }) => json)).toEqual([
    {
      model: "nvidia/llama-3.2-nv-embedqa-1b-v2",
      input: ["page", "one", "| a |"],
      encoding_format: "float",
      input_type: "passage",
      truncate: "END",
    },
  ]);
});

test("a task names the model, the kinds of rows, the dimensions, and where a vector goes", async () => {
  const server = await modelServer((request, response) => answerJson(response, vectors(request)));
  const options = { url: server.url, sendInputType: false };
  const { payload } = await embed(ROWS(), options, {
    model_name: "other",
    dimensions: 8,
    embed_image_elements: false,
    embed_structured_elements: false,
  });
  expect(payload.map(({ metadata }) => metadata?.embedding)).toEqual([null, [3], null, null]);
  expect(server.requests[0]?.json).toEqual({
    model: "other",
    input: ["one"],
    encoding_format: "float",
    dimensions: 8,
  });

  const metadata = completeRowMetadata({ content: "ignored", custom_content: { note: "four" } });
  const own = await embed([{ documentType: "text", metadata }], options, {
    custom_content_field: "note",
  });
  expect(own.payload[0]?.metadata).toMatchObject({
    embedding: null,
    custom_content: { note: "four", note_embedding: [4] },
  });
});

test("texts travel in batches, and rows are regrouped only where that is wanted", async () => {
  const server = await modelServer((request, response) => answerJson(response, vectors(request)));
  const rows = [...ROWS(), ...Array.from({ length: 5 }, (_, i) => textRow("x".repeat(i + 1)))];
  const { payload } = await embed(rows, { url: server.url, batchSize: 3, legacyRowOrder: true });
  expect(server.requests.map(({ json }) => (json as { input: string[] }).input.length)).toEqual(
    expect.arrayContaining([3, 3, 2]),
  );
  expect(payload.map(({ metadata }) => metadata?.content_metadata?.type).join(" ")).toBe(
    `${"text ".repeat(7)}structured image`,
  );
});

test("vectors are matched by their index, in whatever order they come", async () => {
  const server = await modelServer((request, response) =>
    answerJson(response, { data: vectors(request).data.reverse() }),
  );
  const { payload } = await embed([textRow("a"), textRow("bb")], { url: server.url });
  expect(payload.map(({ metadata }) => metadata?.embedding)).toEqual([[1], [2]]);
});

test.each([
  [{}],
  [{ data: [] }],
  [{ data: [{ embedding: [] }, { embedding: [] }] }],
  [{ data: [{ embedding: [1] }, { embedding: [1, 2] }] }],
  [{ data: [{ embedding: [1] }, { embedding: ["1"] }] }],
  [
    {
      data: [
        { embedding: [1], index: 0 },
        { embedding: [1], index: 0 },
      ],
    },
  ],
  [
    {
      data: [
        { embedding: [1], index: 0 },
        { embedding: [1], index: 7 },
      ],
    },
  ],
  [{ data: [null, { embedding: [null] }] }],
  ["text"],
  [null],
])("an answer that is no list of vectors fails the job (case %#)", async (answer) => {
  const server = await modelServer((_, response) => answerJson(response, answer));
  const running = embed([textRow("a"), textRow("b")], { url: server.url, apiKey: KEY });
  const error = await running.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "STAGES_ENDPOINT_ANSWER_INVALID" });
  expect(JSON.stringify([error, String(error)])).not.toContain(KEY);
});

test("with filter_errors a text that is refused costs its own row alone", async () => {
  const server = await modelServer((request, response) => {
    const { input } = request.json as { input: string[] };
    if (input.includes("bad")) answerJson(response, { error: "too bad" }, 400);
    else answerJson(response, vectors(request));
  });
  const rows = () => [textRow("good"), textRow("bad"), textRow("fine")];
  const { payload } = await embed(rows(), { url: server.url }, { filter_errors: true });
  expect(payload.map(({ metadata }) => metadata?.embedding)).toEqual([[4], null, [4]]);
  expect(payload[1]?.metadata?.error_metadata).toMatchObject({
    task: "embed",
    status: "error",
    error_msg: expect.stringContaining("too bad"),
  });
  await expect(embed(rows(), { url: server.url })).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_REFUSED",
  });
});

test("a refusal ends the job's other calls: a wrong key is not tried once for each batch", async () => {
  const server = await modelServer((_, response) => answerJson(response, { error: "no" }, 401));
  const rows = Array.from({ length: 50 }, (_, i) => textRow(`text ${i}`));
  const options = { url: server.url, batchSize: 1, concurrency: 2 };
  await expect(embed(rows, options)).rejects.toMatchObject({ code: "STAGES_ENDPOINT_REFUSED" });
  expect(server.requests.length).toBeLessThanOrEqual(2 * options.concurrency);
});

test("without a model rows stay as they are, and what is left undone is told, or fails a strict job", async () => {
  const message = await embed([textRow("a")], {});
  expect(message.payload[0]?.metadata?.embedding).toBeNull();
  expect(Object.values(message.getMetadata(/^annotation::/, {}))).toEqual([
    expect.objectContaining({
      message: "skipped: rows have no embedding, no model is configured for them (embed.url)",
    }),
  ]);
  await expect(embed([textRow("a")], { strictCapabilities: true })).rejects.toMatchObject({
    code: "STAGES_CAPABILITY_MISSING",
  });
});

test("a task does not say where its server connects to", async () => {
  const thief = await modelServer((_, response) => answerJson(response, {}));
  const server = await modelServer((request, response) => answerJson(response, vectors(request)));
  await embed(
    [textRow("a")],
    { url: server.url, apiKey: KEY },
    { endpoint_url: thief.url, api_key: "x" },
  );
  expect(thief.requests).toEqual([]);
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
});
