/** Goal: PDF dates become UTC without a zone, and what is no date is not one. Method: a table. */
import { expect, test } from "vitest";
import { parsePdfDate } from "./pdf-date.js";

test.each([
  ["D:20221005144926-07'00'", "2022-10-05T21:49:26"],
  ["D:20221005234926+02'00", "2022-10-05T21:49:26"],
  ["D:20221005214926Z", "2022-10-05T21:49:26"],
  ["D:20221005214926", "2022-10-05T21:49:26"],
  ["20221005214926Z00'00'", "2022-10-05T21:49:26"],
  ["D:2022", "2022-01-01T00:00:00"],
  ["D:20240229", "2024-02-29T00:00:00"],
  ["D:20221231235959-0100", "2023-01-01T00:59:59"],
])("%s is %s", (text, expected) => {
  expect(parsePdfDate(text)).toBe(expected);
});

test.each([
  "",
  "yesterday",
  "D:20221305",
  "D:20230229",
  "D:20221005250000",
  "D:00000101000000+01'00'",
])("%j is no date", (text) => {
  expect(parsePdfDate(text)).toBeUndefined();
});
