/**
 * Goal: text in columns is one table, whatever separates and encodes it. Method: small files built here.
 */
import { expect, test } from "vitest";
import { extractRequest } from "../../../../test/helpers/extract-request.js";
import { extractCsv } from "./extract-csv.js";
import { readCsv } from "./read-csv.js";

const cellsOf = (content: string | Uint8Array) =>
  readCsv(typeof content === "string" ? Buffer.from(content) : content);

test("a file is a table with its first row as head", async () => {
  const request = extractRequest("csv", "name,flow\nOld Mill,3\n", { extract_tables: true });
  const { rows, notes, remarks } = await extractCsv(request);
  expect([notes, remarks]).toEqual([[], []]);
  expect(rows.map(({ metadata }) => metadata.table_metadata?.table_content)).toEqual([
    "| name     |   flow |\n|:---------|-------:|\n| Old Mill |      3 |",
  ]);
  expect(rows[0]?.metadata.source_metadata?.source_type).toBe("csv");
});

test("without tables it is text", async () => {
  const { rows } = await extractCsv(extractRequest("csv", "a\n1\n"));
  expect(rows.map(({ documentType, metadata }) => [documentType, metadata.content])).toEqual([
    ["text", "|   a |\n|----:|\n|   1 |"],
  ]);
});

test.each([
  ["a,b\n1,2"],
  ["a;b\r\n1;2\r\n"],
  ["a\tb\n\n1\t2"],
  ["a|b\n1|2\n"],
  ["\ufeffa,b\n1,2"],
  ['"a",b\n"1",2\n'],
])("%j has two columns", (text) => {
  expect(cellsOf(text)).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
});

test("commas and line ends in quotes belong to a cell", () => {
  expect(cellsOf('place;note\n"a; b";"1,5\n2,5"\n')).toEqual([
    ["place", "note"],
    ["a; b", "1,5\n2,5"],
  ]);
});

test("UTF-16 and what Windows writes are read", () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("ä,b\n", "utf16le")]);
  expect(cellsOf(utf16)).toEqual([["ä", "b"]]);
  expect(cellsOf(Buffer.from("ä,b\n", "latin1"))).toEqual([["ä", "b"]]);
});

test("cells that begin as formulas are told, and stay as they are", async () => {
  const text = 'a,b\n=HYPERLINK("x"),-5\n@SUM(A1),+x\n';
  const { rows, remarks } = await extractCsv(extractRequest("csv", text, { extract_tables: true }));
  expect(remarks).toEqual([
    "3 cells begin as formulas do, which matters where the table is opened again",
  ]);
  expect(rows[0]?.metadata.table_metadata?.table_content).toContain("=HYPERLINK(");
});

test("bytes that are no text are refused, an unclosed quote is not", () => {
  expect(() => cellsOf(Buffer.from([1, 0, 2, 0, 3]))).toThrow(/NUL bytes/);
  expect(cellsOf('a,b\n1,2"x\n')).toEqual([
    ["a", "b"],
    ["1", '2"x'],
  ]);
});
