/**
 * Goal: paths become documents in a fixed order, each once, and nothing is reached through a link.
 * Method: a real tree per test.
 */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Cleanup } from "../../test/helpers/start-broker.js";
import { temporaryFolder } from "../../test/helpers/temporary-folder.js";
import {
  type FindOptions,
  type FoundDocument,
  findDocuments,
  openFinder,
} from "./find-documents.js";

async function tree(t: Cleanup, ...files: string[]): Promise<string> {
  const root = await temporaryFolder(t);
  for (const file of files) {
    await mkdir(join(root, file, ".."), { recursive: true });
    await writeFile(join(root, file), "text");
  }
  return root;
}

async function all(...paths: string[]): Promise<FoundDocument[]> {
  const found: FoundDocument[] = [];
  for await (const document of findDocuments(paths)) found.push(document);
  return found;
}

async function named(paths: string[], options: FindOptions = {}): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of findDocuments(paths, options)) names.push(name);
  return names;
}

test("a folder gives all files below it, sorted, with their names in it", async (t) => {
  const root = await tree(t, "b.pdf", "a/z.md", "a/b/c.html", "c.txt");
  const found = await all(root);
  expect(found.map(({ name }) => name)).toEqual(["a/b/c.html", "a/z.md", "b.pdf", "c.txt"]);
  expect(found.map(({ documentType }) => documentType)).toEqual(["html", "text", "pdf", "text"]);
  expect(found.every(({ problem }) => problem === undefined)).toBe(true);
});

test("several paths keep their order and get names that differ", async (t) => {
  const root = await tree(t, "x/a.pdf", "y/a.pdf", "z/a.pdf/b.txt");
  const found = await all(join(root, "y/a.pdf"), join(root, "x/a.pdf"), join(root, "z/a.pdf"));
  expect(found.map(({ name }) => name)).toEqual(["a.pdf", "a-2.pdf", "a-3.pdf/b.txt"]);
});

test("what lies in another given path, or is given twice, comes once", async (t) => {
  const root = await tree(t, "a/b.txt");
  const found = await all(join(root, "a/b.txt"), root, join(root, "a"), root);
  expect(found.map(({ name }) => name)).toEqual(["a/b.txt"]);
});

test("types that are not supported come with a problem that lists those which are", async (t) => {
  const root = await tree(t, "a.xyz", "b.png", "none");
  const found = await all(root);
  expect(found.map(({ problem }) => problem?.code)).toEqual(
    Array(3).fill("RUNTIME_DOCUMENT_TYPE_UNSUPPORTED"),
  );
  expect(found[0]?.problem?.message).toMatch(/pdf, docx, pptx, xlsx, csv, html, epub, eml, text/);
  expect(found[0]?.isGiven).toBe(false);
});

test("links in a folder are told and not followed, whatever they point at", async (t) => {
  const root = await tree(t, "in/a.txt", "outside/secret.txt");
  await symlink(join(root, "outside/secret.txt"), join(root, "in/link.txt"));
  await symlink(join(root, "outside"), join(root, "in/folder"));
  await symlink(join(root, "in"), join(root, "in/loop"));
  await symlink("nowhere", join(root, "in/broken.txt"));
  const found = await all(join(root, "in"));
  const taken = found.filter(({ problem }) => problem === undefined);
  expect(taken.map(({ name }) => name)).toEqual(["a.txt"]);
  const problems = found.filter(({ problem }) => problem !== undefined);
  expect(problems.map(({ name }) => name)).toEqual(["broken.txt", "folder", "link.txt", "loop"]);
  for (const { problem } of problems) expect(problem?.code).toBe("RUNTIME_DOCUMENT_NOT_A_FILE");
});

test("a link that was given is followed: its name is the caller's word", async (t) => {
  const root = await tree(t, "a.txt");
  await symlink(join(root, "a.txt"), join(root, "b.txt"));
  const found = await all(join(root, "b.txt"));
  expect(found.map(({ name, problem }) => [name, problem])).toEqual([["b.txt", undefined]]);
});

test("a path that does not exist ends the search before its first document", async (t) => {
  const root = await tree(t, "a.txt");
  await expect(all(root, join(root, "missing"))).rejects.toMatchObject({
    code: "RUNTIME_PATH_UNREADABLE",
    message: expect.stringMatching(/missing.*does not exist/),
  });
});

test("an aborted search ends with the signal's reason", async (t) => {
  const root = await tree(t, "a.txt", "b.txt");
  const controller = new AbortController();
  const reason = new Error("enough");
  const search = async () => {
    for await (const _ of findDocuments([root], { signal: controller.signal })) {
      controller.abort(reason);
    }
  };
  await expect(search()).rejects.toBe(reason);
});

test("a pattern finds what fits below the folder it begins at, and names it from there", async (t) => {
  const root = await tree(t, "a.pdf", "x/b.pdf", "x/y/c.pdf", "x/y/d.txt", "x/.git/e.pdf");
  expect(await named([join(root, "**/*.pdf")])).toEqual(["a.pdf", "x/b.pdf", "x/y/c.pdf"]);
  expect(await named([join(root, "x/*/*.{pdf,txt}")])).toEqual(["y/c.pdf", "y/d.txt"]);
  expect(await named([join(root, "x/*.pdf")])).toEqual(["b.pdf"]);
});

test("what several patterns and paths lead to comes once", async (t) => {
  const root = await tree(t, "a.pdf", "x/b.pdf", "x/c.txt");
  const patterns = [join(root, "*.pdf"), join(root, "**/*.pdf")];
  expect(await named(patterns)).toEqual(["a.pdf", "x/b.pdf"]);
  expect(await named([...patterns, join(root, "x/*")])).toHaveLength(3);
  expect(await named([join(root, "x/*"), ...patterns])).toHaveLength(3);
  expect(await named([root, ...patterns])).toEqual(["a.pdf", "x/b.pdf", "x/c.txt"]);
  expect(await named([join(root, "a.pdf"), join(root, "./x/../a.pdf")])).toEqual(["a.pdf"]);
  expect(await named([...patterns, join(root, "a.pdf")])).toHaveLength(2);
  expect(await named([join(root, "a.pdf"), ...patterns])).toHaveLength(2);
});

test("a name that looks like a pattern and exists is meant itself", async (t) => {
  const root = await tree(t, "a[1].txt", "a1.txt");
  expect(await named([join(root, "a[1].txt")])).toEqual(["a[1].txt"]);
});

test("a pattern that begins nowhere is told like any missing path", async (t) => {
  const root = await tree(t, "a.txt");
  await expect(named([join(root, "missing/**")])).rejects.toMatchObject({
    code: "RUNTIME_PATH_UNREADABLE",
  });
});

test("include keeps what fits, exclude prunes whole folders", async (t) => {
  const root = await tree(t, "a.pdf", "a.txt", "old/b.pdf", "x/c.pdf", "x/old/d.pdf");
  expect(await named([root], { include: "*.pdf" })).toEqual([
    "a.pdf",
    "old/b.pdf",
    "x/c.pdf",
    "x/old/d.pdf",
  ]);
  expect(await named([root], { include: "*.txt, x/*.pdf" })).toEqual(["a.txt", "x/c.pdf"]);
  expect(await named([root], { exclude: "old" })).toEqual(["a.pdf", "a.txt", "x/c.pdf"]);
  expect(await named([root], { exclude: "old/**,*.txt" })).toEqual([
    "a.pdf",
    "x/c.pdf",
    "x/old/d.pdf",
  ]);
  // What is excluded in the one path is still there by the other.
  const both = await named([root, join(root, "old/b.pdf")], { exclude: "old" });
  expect(both).toHaveLength(4);
});

test("hidden files come when they are asked for or named", async (t) => {
  const root = await tree(t, ".a.txt", ".x/b.txt", "c.txt");
  expect(await named([root])).toEqual(["c.txt"]);
  expect(await named([root], { hidden: true })).toEqual([".a.txt", ".x/b.txt", "c.txt"]);
  expect(await named([root, join(root, ".a.txt")])).toHaveLength(2);
});

test("a later look at a path gives the document that the walk gave", async (t) => {
  const root = await tree(t, "in/a.txt", "in/x/b.txt", "in/.c.txt", "d.txt", "e.txt");
  const finder = await openFinder([join(root, "in"), join(root, "d.txt")], { exclude: "x" });
  for await (const found of finder.all()) expect(await finder.at(found.path)).toEqual(found);
  for (const other of ["in/x/b.txt", "in/.c.txt", "e.txt"]) {
    expect(await finder.at(join(root, other))).toBeUndefined();
  }
  expect(finder.canHold(join(root, "in/y"))).toBe(true);
  expect(finder.canHold(join(root, "in/x"))).toBe(false);
});
