/**
 * Goal: texts become chunks of the asked size, and nothing else of a job changes. Method: the stage
 * itself with real threads; a tokenizer of words, so that chunks can be read, and the built-in one.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wordTokenizerFile } from "../../../test/helpers/tokenizer-files.js";
import { completeRowMetadata, IngestControlMessage, type Row } from "../../message/index.js";
import { stageContext } from "../../testing/index.js";
import { WorkerPool } from "../../workers/index.js";
import type { SplitOptions } from "./split-options.js";
import { splitStage } from "./split-stage.js";

const WORDS = "one two three four five six seven eight nine ten".split(" ");
const TEXT = WORDS.join(" ");

let pool: WorkerPool;
let tokenizersDir: string;
beforeAll(() => {
  pool = new WorkerPool({ maxThreads: 1 });
  tokenizersDir = mkdtempSync(join(tmpdir(), "millrace-tokenizers-"));
  mkdirSync(join(tokenizersDir, "words"));
  writeFileSync(
    join(tokenizersDir, "words", "tokenizer.json"),
    JSON.stringify(wordTokenizerFile(WORDS)),
  );
});
afterAll(async () => {
  await pool.close();
  rmSync(tokenizersDir, { recursive: true });
});

const textRow = (content: string, sourceType = "text"): Row => ({
  documentType: "text",
  uuid: "old",
  metadata: completeRowMetadata({
    content,
    content_metadata: { type: "text", page_number: 7 },
    source_metadata: { source_id: "a", source_name: "a", source_type: sourceType },
    text_metadata: { text_type: "page", language: "en" },
  }),
});

async function split(rows: Row[], properties: object, options: SplitOptions = {}) {
  const message = new IngestControlMessage();
  message.payload = rows;
  message.addTask({ type: "split", properties: { ...properties } });
  const stage = splitStage({ pool, options: { tokenizersDir, ...options } });
  const { payload } = await stage.process(message, stageContext());
  expect(message.getTasks()).toEqual([]);
  const notes = [...message.metadataEntries()].map(([, value]) => JSON.stringify(value)).join();
  return { payload, texts: payload.map(({ metadata }) => metadata?.content), notes };
}

const words = (size: number, overlap: number, params: object = {}) => ({
  tokenizer: "words",
  chunk_size: size,
  chunk_overlap: overlap,
  params,
});

test.each([
  [4, 0, ["one two three four", "five six seven eight", "nine ten"]],
  [4, 1, ["one two three four", "four five six seven", "seven eight nine ten", "ten"]],
  [10, 0, [TEXT]],
  [20, 5, [TEXT]],
  [1, 0, WORDS],
])("chunks of %i words that share %i", async (size, overlap, chunks) => {
  const { texts, notes } = await split([textRow(TEXT)], words(size, overlap));
  expect(texts).toEqual(chunks);
  expect(notes).toBe("");
});

test.each([
  [4, 0, ["one two three ", "five six seven ", "nine "]],
  [4, 1, ["one two three ", "four five six ", "seven eight nine "]],
  [1, 0, []],
])("upstream loses the last of %i words, and what is then empty", async (size, overlap, chunks) => {
  const { texts } = await split([textRow(TEXT)], words(size, overlap), { legacySplit: true });
  expect(texts).toEqual(chunks);
});

test("a tail that the chunk before it holds is left out where that is wanted", async () => {
  const { texts } = await split([textRow(TEXT)], words(4, 1), { dropContainedTail: true });
  expect(texts).toEqual(["one two three four", "four five six seven", "seven eight nine ten"]);
});

test("only rows of the asked sources are split; they come first, and keep all but their text", async () => {
  const rows = [textRow(TEXT, "PDF"), textRow(TEXT)];
  const { payload, texts } = await split(rows, words(5, 0));
  expect(texts).toEqual(["one two three four five", "six seven eight nine ten", TEXT]);
  expect(payload[2]).toBe(rows[0]);
  const [first] = payload;
  expect(first?.uuid).toMatch(/^[0-9a-f-]{36}$/);
  expect(first?.metadata).toEqual({ ...rows[1]?.metadata, content: texts[0] });
  expect(first?.metadata?.source_metadata).not.toBe(rows[1]?.metadata?.source_metadata);
  const pdf = await split(rows, words(5, 0, { split_source_types: ["PDF", "text"] }));
  expect(pdf.payload).toHaveLength(4);
});

test("sentences and Markdown sections stay whole where they fit", async () => {
  const sentences = "One is here. Two is here, too. And three.";
  const inSentences = { chunk_size: 8, chunk_overlap: 0, params: { by: "sentence" } };
  const bySentence = await split([textRow(sentences)], inSentences);
  expect(bySentence.texts).toEqual(["One is here.", "Two is here, too. And three."]);
  const markdown = "# A\n\nalpha\n\n# B\n\n```\n# no heading\n```\n";
  const byHeading = await split([textRow(markdown)], { chunk_size: 50, params: { by: "heading" } });
  expect(byHeading.texts).toEqual(["# A\n\nalpha", "# B\n\n```\n# no heading\n```"]);
});

test("a tokenizer that is not here is replaced by one that is, and the job is told", async () => {
  const asked = { tokenizer: "meta-llama/Llama-3.2-1B", chunk_size: 100 };
  const { texts, notes } = await split([textRow(TEXT)], asked);
  expect(texts).toEqual([TEXT]);
  expect(notes).toMatch(/Llama-3\.2-1B.*is not here.*cl100k_base/);
  await expect(split([textRow(TEXT)], asked, { strictCapabilities: true })).rejects.toMatchObject({
    code: "STAGES_CAPABILITY_MISSING",
  });
});

test.each(["../words", "/etc/passwd", "words/../words", "a\0b"])(
  "a task cannot name the file %j",
  async (tokenizer) => {
    const { notes } = await split([textRow(TEXT)], { ...words(5, 0), tokenizer });
    expect(notes).toContain("is not here");
  },
);

test.each(["mühle 🚂🚂 ß €", "\ud800 half \udc00", "a\0b\u0001c", "a".repeat(20_000), ""])(
  "chunks of one token put together give the text again (case %#)",
  async (text) => {
    const { texts } = await split([textRow(text)], { chunk_size: 1, chunk_overlap: 0 });
    expect(texts.join("")).toBe(text);
  },
);

test.each([
  [{ chunk_size: 5, chunk_overlap: 5 }, "STAGES_SPLIT_PARAMS_INVALID"],
  [{ chunk_size: 0 }, "STAGES_SPLIT_PARAMS_INVALID"],
  [{ chunk_size: "many" }, "STAGES_SPLIT_PARAMS_INVALID"],
])("%j is refused", async (properties, code) => {
  await expect(split([textRow(TEXT)], properties)).rejects.toMatchObject({ code });
});

test("more chunks than the operator allows fail the job", async () => {
  const many = split([textRow(TEXT)], words(1, 0), { maxChunks: 9 });
  await expect(many).rejects.toMatchObject({ code: "STAGES_SPLIT_TOO_LARGE" });
});
