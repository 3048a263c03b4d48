/**
 * Goal: every row leaves with metadata, or the job says which type it is. Method: the stage itself.
 */
import { expect, test } from "vitest";

import { IngestControlMessage } from "../message/index.js";
import { stageContext } from "../testing/index.js";
import { metadataInjector } from "./metadata-injector.js";

const context = stageContext();

test("rows get metadata of their type, and those that have some keep it", async () => {
  const message = new IngestControlMessage();
  message.payload = [
    { documentType: "text", content: "hello", sourceId: "a.txt", sourceName: "a.txt" },
    { documentType: "pdf", content: "JVBERg==", sourceId: "b.pdf", sourceName: "b.pdf" },
  ];
  const stage = metadataInjector();
  const once = (await stage.process(message, context)).payload;
  expect(once.map((row) => row.metadata?.content_metadata?.type)).toEqual(["text", "structured"]);
  expect(once[0]?.metadata).toMatchObject({
    content: "hello",
    source_metadata: { source_id: "a.txt", source_type: "text" },
    text_metadata: { text_type: "document" },
  });
  const twice = (await stage.process(message, context)).payload;
  expect(twice[1]?.metadata).toBe(once[1]?.metadata);
});

test("an unsupported type is named", () => {
  const message = new IngestControlMessage();
  message.payload = [{ documentType: "mkv", content: "" }];
  expect(() => metadataInjector().process(message, context)).toThrow(/mkv/);
});
