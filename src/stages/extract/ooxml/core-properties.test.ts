/** Goal: dates of Office files become the one form of results. Method: forms that files use. */
import { describe, expect, it } from "vitest";
import { utcDate } from "./core-properties.js";

describe("a date", () => {
  it.each([
    ["2024-04-22T21:57:00Z", "2024-04-22T21:57:00+00:00"],
    ["2024-04-22T21:57:00", "2024-04-22T21:57:00+00:00"],
    ["2024-04-22T21:57:00.1234567Z", "2024-04-22T21:57:00+00:00"],
    ["2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00+00:00"],
    ["2025-01-01T00:30:00+01:00", "2024-12-31T23:30:00+00:00"],
    ["2024-02-29", "2024-02-29T00:00:00+00:00"],
    ["2024-07", "2024-07-01T00:00:00+00:00"],
    [" 2024 ", "2024-01-01T00:00:00+00:00"],
  ])("%s is read as %s", (text, date) => {
    expect(utcDate(text)).toBe(date);
  });

  it.each(["", "yesterday", "2023-02-29", "2024-13-01", "2024-01-01T25:00:00Z", "2024-1-1"])(
    "%j is none",
    (text) => {
      expect(utcDate(text)).toBeUndefined();
    },
  );
});
