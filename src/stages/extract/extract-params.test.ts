/** Goal: whatever a client sends as params is read. Method: a table, and arbitrary values. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseExtractParams } from "./extract-params.js";

test("nothing given: text per page and nothing else", () => {
  expect(parseExtractParams(undefined)).toEqual({
    extractText: true,
    extractImages: false,
    extractTables: false,
    extractCharts: false,
    extractInfographics: false,
    extractPageAsImage: false,
    extractImagesMethod: "group",
    extractTablesMethod: "yolox",
    textDepth: "page",
    tableOutputFormat: "markdown",
  });
});

test("wrong types get the default, unknown members are passed over", () => {
  const read = parseExtractParams({
    extract_text: [],
    text_depth: 7,
    extract_images: "True",
    x: 1,
  });
  expect(read).toMatchObject({ extractText: true, textDepth: "page", extractImages: true });
  expect(parseExtractParams({ extract_text: 0 }).extractText).toBe(false);
  expect(parseExtractParams({ extract_tables: "no idea" }).extractTables).toBe(false);
});

test.each([
  ["page", "page"],
  [" Page ", "page"],
  ["document", "document"],
  ["block", "block"],
  ["chapter", "document"],
  ["", "document"],
])("text_depth %j means %s", (given, expected) => {
  expect(parseExtractParams({ text_depth: given }).textDepth).toBe(expected);
});

test("no value makes it throw", () => {
  const members = ["extract_text", "text_depth", "extract_images_method", "__proto__"];
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom(...members), fc.anything())),
      (value) => typeof parseExtractParams(value).extractText === "boolean",
    ),
  );
});
