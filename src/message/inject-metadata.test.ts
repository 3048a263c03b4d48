/**
 * Goal: rows have exactly the members that clients know, in order, with nv-ingest's defaults.
 * Method: the complete form written out by hand and compared, its order included.
 */
import { describe, expect, test } from "vitest";
import { completeRowMetadata } from "./complete-row-metadata.js";
import { injectMetadata } from "./inject-metadata.js";

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const NEARBY = { content: [], bbox: [], type: [] };
const HIERARCHY = {
  page_count: -1,
  page: -1,
  block: -1,
  line: -1,
  span: -1,
  nearby_objects: { text: NEARBY, images: NEARBY, structured: NEARBY },
};
const ROW_MEMBERS = [
  "content",
  "content_url",
  "embedding",
  "source_metadata",
  "content_metadata",
  "audio_metadata",
  "text_metadata",
  "image_metadata",
  "table_metadata",
  "chart_metadata",
  "error_metadata",
  "info_message_metadata",
  "debug_metadata",
  "raise_on_failure",
  "total_pages",
  "original_source_id",
  "original_source_name",
  "custom_content",
];

describe("injectMetadata", () => {
  test("gives a text row the complete first form", () => {
    const row = { documentType: "TXT", content: "hello", sourceId: "id", sourceName: "name" };
    const injected = injectMetadata(row);
    expect(injected).toEqual({
      ...row,
      documentType: "text",
      metadata: {
        content: "hello",
        content_url: "",
        embedding: null,
        source_metadata: {
          source_name: "name",
          source_id: "id",
          source_location: "",
          source_type: "text",
          collection_id: "",
          date_created: ISO,
          last_modified: ISO,
          summary: "",
          partition_id: -1,
          access_level: -1,
          custom_content: null,
        },
        content_metadata: {
          type: "text",
          description: "",
          page_number: -1,
          hierarchy: HIERARCHY,
          subtype: "",
          start_time: -1,
          end_time: -1,
          custom_content: null,
        },
        audio_metadata: null,
        text_metadata: {
          text_type: "document",
          summary: "",
          keywords: "",
          language: "unknown",
          text_location: [0, 0, 0, 0],
          text_location_max_dimensions: [0, 0],
          custom_content: null,
        },
        image_metadata: null,
        table_metadata: null,
        chart_metadata: null,
        error_metadata: null,
        info_message_metadata: null,
        debug_metadata: null,
        raise_on_failure: false,
        total_pages: null,
        original_source_id: null,
        original_source_name: null,
        custom_content: null,
      },
    });
    expect(Object.keys(injected.metadata ?? {})).toEqual(ROW_MEMBERS);
    expect(row).not.toHaveProperty("metadata");
  });

  test.each([
    ["bmp", "image"],
    ["jpg", "image"],
    ["svg", "image"],
    ["tif", "image"],
    ["png", "image"],
    ["docx", "structured"],
    ["pdf", "structured"],
    ["pptx", "structured"],
    ["html", "text"],
    ["mp3", "audio"],
    ["wav", "audio"],
  ])("takes %s for %s", (documentType, type) => {
    const { metadata } = injectMetadata({ documentType });
    expect(metadata?.content_metadata?.type).toBe(type);
    expect(metadata?.text_metadata === null).toBe(type !== "text");
    expect(metadata?.content).toBe("");
  });

  test.each(["mp4", "mov", "avi", "mkv", "unknown", "exe", "constructor"])(
    "refuses %s",
    (documentType) => {
      expect(() => injectMetadata({ documentType })).toThrow(
        expect.objectContaining({
          code: "MESSAGE_DOCUMENT_TYPE_UNSUPPORTED",
          message: expect.stringContaining(`unsupported document type "${documentType}"`),
        }),
      );
    },
  );

  test("leaves a row alone that has metadata, and replaces broken ones", () => {
    const whole = { documentType: "mkv", metadata: completeRowMetadata({ content: "x" }) };
    expect(injectMetadata(whole)).toBe(whole);
    const broken = { documentType: "text", content: "y", metadata: { content: 5 } as never };
    expect(injectMetadata(broken).metadata?.content).toBe("y");
  });
});

describe("completeRowMetadata", () => {
  test("fills in every member of every part, in order", () => {
    const metadata = completeRowMetadata({
      content_metadata: { type: "image", hierarchy: { page: 3 } },
      source_metadata: {
        source_name: "n",
        source_id: "i",
        source_type: "PDF",
        date_created: "2024-01-01T00:00:00",
        last_modified: "2024-01-02T00:00:00",
      },
      image_metadata: { image_type: "png", width: -5, height: 7 },
    });
    expect(Object.keys(metadata)).toEqual(ROW_MEMBERS);
    expect(metadata.source_metadata?.date_created).toBe("2024-01-01T00:00:00");
    expect(metadata.content_metadata?.hierarchy).toEqual({ ...HIERARCHY, page: 3 });
    expect(Object.entries(metadata.image_metadata ?? {})).toEqual([
      ["image_type", "png"],
      ["structured_image_type", "none"],
      ["caption", ""],
      ["text", ""],
      ["image_location", [0, 0, 0, 0]],
      ["image_location_max_dimensions", [0, 0]],
      ["uploaded_image_url", ""],
      ["width", 0],
      ["height", 7],
      ["custom_content", null],
    ]);
  });

  test("fills in tables, charts, audio, errors and messages", () => {
    const structured = completeRowMetadata({
      content_metadata: { type: "structured", subtype: "table" },
      table_metadata: { table_format: "markdown", table_content: "| a |" },
      chart_metadata: { table_format: "simple" },
      error_metadata: { task: "embed", status: "error", error_msg: "e" },
      info_message_metadata: { task: "filter", status: "success", message: "m", filter: true },
    });
    const table = {
      caption: "",
      table_format: "markdown",
      table_content: "| a |",
      table_content_format: "",
      table_location: [0, 0, 0, 0],
      table_location_max_dimensions: [0, 0],
      uploaded_image_uri: "",
      custom_content: null,
    };
    expect(structured.table_metadata).toEqual(table);
    expect(structured.chart_metadata).toEqual({
      ...table,
      table_format: "simple",
      table_content: "",
    });
    expect(structured.error_metadata).toEqual({
      task: "embed",
      status: "error",
      source_id: "",
      error_msg: "e",
      custom_content: null,
    });
    expect(structured.info_message_metadata).toEqual({
      task: "filter",
      status: "success",
      message: "m",
      filter: true,
      custom_content: null,
    });
    const audio = completeRowMetadata({ content_metadata: { type: "audio" }, audio_metadata: {} });
    expect(audio.audio_metadata).toEqual({
      audio_transcript: "",
      audio_type: "",
      custom_content: null,
    });
  });

  test("drops the parts that do not fit the type of the content", () => {
    const metadata = completeRowMetadata({
      content_metadata: { type: "text" },
      audio_metadata: {},
      text_metadata: { text_type: "page" },
      image_metadata: { image_type: "png" },
      table_metadata: { table_format: "html" },
    });
    expect(metadata.text_metadata?.language).toBe("en");
    expect([metadata.audio_metadata, metadata.image_metadata, metadata.table_metadata]).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("leaves out what is not listed, and keeps what stages add later", () => {
    const given = {
      tags: ["mine"],
      content_metadata: { type: "text" },
      source_metadata: {
        source_name: "",
        source_id: "",
        source_type: "text",
        local_source_location: "/store/a",
      },
    } as const;
    const metadata = completeRowMetadata(given);
    expect(Object.keys(metadata)).toEqual(ROW_MEMBERS);
    expect(metadata.source_metadata?.local_source_location).toBe("/store/a");
  });
});
