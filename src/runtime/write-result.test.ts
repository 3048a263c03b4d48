/**
 * Goal: results are on disk whole, in the format asked for, and nowhere but in their directory.
 * Method: a real folder per test.
 */
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/helpers/temporary-folder.js";
import type { ResultDocument } from "../message/index.js";
import { openResultWriter } from "./write-result.js";

const row = (content: string, type = "text") => ({
  document_type: type,
  metadata: { content, content_metadata: { type } },
});
const result = (...data: ResultDocument["data"] & object): ResultDocument => ({
  status: "success",
  description: "",
  data,
  fragment: 0,
  fragment_count: 1,
});
const failed: ResultDocument = { ...result(), status: "failed", data: null };

test("json holds the whole result", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await openResultWriter(join(folder, "new/out"), "json");
  const path = await writer.write("sub/a.pdf", result(row("one")));
  expect(path).toBe(join(folder, "new/out/sub/a.pdf.json"));
  expect(JSON.parse(await readFile(path as string, "utf8"))).toEqual(result(row("one")));
});

test("jsonl holds a row per line", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await openResultWriter(folder, "jsonl");
  const path = await writer.write("a.pdf", result(row("one\ntwo"), row("three")));
  const lines = (await readFile(path as string, "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual([row("one\ntwo"), row("three")]);
});

test("md holds the texts and tables, without pictures", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await openResultWriter(folder, "md");
  const table = row("iVBORw0", "structured");
  Object.assign(table.metadata, { table_metadata: { table_content: "| a |" } });
  const data = [row("# one\n"), row("iVBORw0", "image"), table, row("two")];
  const path = await writer.write("a.pdf", result(...data));
  expect(await readFile(path as string, "utf8")).toBe("# one\n\n| a |\n\ntwo\n");
});

test("a failed result is written as json and not as text", async (t) => {
  const folder = await temporaryFolder(t);
  for (const format of ["md", "jsonl"] as const) {
    const writer = await openResultWriter(folder, format);
    expect(await writer.write("a.pdf", failed)).toBeUndefined();
  }
  const writer = await openResultWriter(folder, "json");
  expect(await writer.write("a.pdf", failed)).toBe(join(folder, "a.pdf.json"));
  expect(await readdir(folder)).toEqual(["a.pdf.json"]);
});

test("an older result is replaced, and nothing temporary is left", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await openResultWriter(folder, "md");
  await writer.write("a.txt", result(row("old and longer")));
  await writer.write("a.txt", result(row("new")));
  expect(await readdir(folder)).toEqual(["a.txt.md"]);
  expect(await readFile(join(folder, "a.txt.md"), "utf8")).toBe("new\n");
});

test("a link in the directory is replaced as a file, refused as a folder", async (t) => {
  const folder = await temporaryFolder(t);
  const elsewhere = join(folder, "elsewhere");
  const out = join(folder, "out");
  await mkdir(elsewhere);
  await mkdir(out);
  await writeFile(join(elsewhere, "precious"), "keep me");
  await symlink(join(elsewhere, "precious"), join(out, "a.txt.md"));
  await symlink(elsewhere, join(out, "sub"));
  const writer = await openResultWriter(out, "md");
  await writer.write("a.txt", result(row("new")));
  expect(await readFile(join(elsewhere, "precious"), "utf8")).toBe("keep me");
  await expect(writer.write("sub/b.txt", result(row("new")))).rejects.toMatchObject({
    code: "RUNTIME_RESULT_UNWRITABLE",
  });
  expect(await readdir(elsewhere)).toEqual(["precious"]);
});

test("names that lead upwards stay inside", async (t) => {
  const folder = await temporaryFolder(t);
  const out = join(folder, "out");
  const writer = await openResultWriter(out, "md");
  await writer.write("../../up.txt", result(row("here")));
  await writer.write("/etc/up.txt", result(row("here")));
  expect(await readdir(folder)).toEqual(["out"]);
  expect((await readdir(out)).length).toBeGreaterThan(0);
});

test("a directory that cannot be is told before any work", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "file"), "");
  await expect(openResultWriter(join(folder, "file"), "json")).rejects.toMatchObject({
    code: "RUNTIME_RESULT_UNWRITABLE",
  });
});
