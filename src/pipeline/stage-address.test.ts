/**
 * Goal: an address names the file that `import` would load, and nothing but files is ever loaded.
 * Method: packages written into a temporary folder; for each, Node itself is asked by an import there.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parseStageAddress } from "./index.js";

const root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-address-")));
afterAll(() => rmSync(root, { recursive: true }));
const project = join(root, "project", "deep");
const base = pathToFileURL(join(project, "pipeline.yaml"));

function write(path: string, content: string | object): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
}

function writePackage(name: string, manifest: object, files: readonly string[]): void {
  const folder = `project/node_modules/${name}`;
  write(`${folder}/package.json`, { name, ...manifest });
  for (const file of files) write(`${folder}/${file}`, "export const url = import.meta.url;");
}

const esm = { type: "module" };
writePackage("only-import", { ...esm, exports: { ".": { import: "./lib/in.js" } } }, ["lib/in.js"]);
writePackage("sugar", { ...esm, exports: "./main.js" }, ["main.js"]);
writePackage(
  "conditions",
  {
    ...esm,
    exports: {
      ".": {
        browser: "./browser.js",
        require: "./require.cjs",
        node: { development: "./dev.js", import: "./node-import.js" },
        default: "./default.js",
      },
      "./list": ["bad target", { browser: "./browser.js" }, "./listed.js"],
      "./features/*": { types: "./types/*.d.ts", default: "./src/*.js" },
      "./features/private/*": null,
      "./features/*.json.js": "./json/*.js",
      "./stages/*/index.js": "./src/*.js",
    },
  },
  ["node-import.js", "listed.js", "src/a.js", "src/b/c.js", "json/a.js", "src/private/x.js"],
);
writePackage("with-main", { ...esm, main: "lib/start" }, ["lib/start.js", "other.js"]);
writePackage("with-folder", { ...esm, main: "lib" }, ["lib/index.js"]);
writePackage("bare", esm, ["index.js"]);
writePackage("@acme/scoped", { ...esm, exports: { "./x": "./x.js" } }, ["x.js"]);
writePackage("outside", { ...esm, exports: "./../bare/index.js" }, []);
writePackage("missing-file", { ...esm, exports: "./nowhere.js" }, []);
write("project/node_modules/broken/package.json", "{");
write("linked/package.json", { name: "linked", type: "module", exports: "./in.js" });
write("linked/in.js", "export const url = import.meta.url;");
symlinkSync(join(root, "linked"), join(root, "project/node_modules/linked"));
write("project/deep/package.json", {
  name: "self",
  type: "module",
  exports: { "./own": "./own.js" },
});
write("project/deep/own.js", "export const url = import.meta.url;");

/** What Node makes of it, from a file in the project's folder. */
async function imported(specifiers: readonly string[]): Promise<string[]> {
  write(
    "project/deep/ask.mjs",
    `const found = [];
     for (const name of ${JSON.stringify(specifiers)}) found.push((await import(name)).url);
     console.log(JSON.stringify(found));`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [join(project, "ask.mjs")]);
  return JSON.parse(stdout);
}

test("a package is found as import finds it, modules alone and patterns included", async () => {
  const specifiers = [
    "only-import",
    "sugar",
    "conditions",
    "conditions/list",
    "conditions/features/a",
    "conditions/features/b/c",
    "conditions/features/a.json.js",
    "conditions/stages/b/c/index.js",
    "with-main",
    "with-main/other.js",
    "with-folder",
    "bare",
    "@acme/scoped/x",
    "linked",
    "self/own",
  ];
  const found = specifiers.map((each) => {
    const { file, exportName } = parseStageAddress(`${each}#name`, base);
    expect(exportName).toBe("name");
    return pathToFileURL(realpathSync(fileURLToPath(file))).href;
  });
  expect(found).toEqual(await imported(specifiers));
});

test("a package that is not there, or has no such entry, is told with where it was looked for", () => {
  const cases = [
    ["nowhere#x", `no package "nowhere" is installed in ${project}`],
    ["@acme/scoped", 'exports no "."'],
    ["conditions/features/private/x", 'exports no "./features/private/x"'],
    ["conditions/src/a.js", 'exports no "./src/a.js"'],
    ["missing-file", "nowhere.js does not exist"],
    ["outside", "leaves the package"],
    ["broken", "cannot be read"],
    ["with-main/gone.js", "gone.js does not exist"],
  ];
  for (const [use, text] of cases) {
    expect(() => parseStageAddress(use as string, base)).toThrow(
      expect.objectContaining({
        code: "PIPELINE_STAGE_MODULE_NOT_FOUND",
        message: expect.stringContaining(text as string),
      }),
    );
  }
});

test("paths and file: URLs are taken from the file that names them", () => {
  const pathOf = (use: string, from = base) => fileURLToPath(parseStageAddress(use, from).file);
  expect(pathOf("./a b%20.js#x")).toBe(join(project, "a b%20.js"));
  expect(pathOf("../up.js")).toBe(join(root, "project", "up.js"));
  expect(pathOf("./in.js", pathToFileURL(`${root}/`))).toBe(join(root, "in.js"));
  expect(pathOf(join(root, "absolute.js"))).toBe(join(root, "absolute.js"));
  expect(pathOf("file:///tmp/a%20b.js#x")).toBe("/tmp/a b.js");
  expect(parseStageAddress("./a.js", base)).toEqual({
    use: "./a.js",
    file: pathToFileURL(join(project, "a.js")),
  });
});

test("no scheme but file: is loaded from, and malformed addresses are refused", () => {
  const wrong = [
    "data:text/javascript,export default 1",
    "DATA:text/javascript,1",
    "http://host/a.js#x",
    "https://host/a.js",
    "node:fs#readFile",
    "blob:x",
    "",
    "#name",
    "./a.js#",
    "./a.js#b#c",
    "file://[",
    "@scope",
    ".hidden",
    "~/a.js",
    "a b#c",
    "pkg\\sub",
  ];
  for (const use of wrong) {
    expect(() => parseStageAddress(use, base)).toThrow(
      expect.objectContaining({ code: "PIPELINE_STAGE_ADDRESS_INVALID" }),
    );
  }
});

test("a built-in module is not taken for a package", () => {
  expect(() => parseStageAddress("fs#readFile", base)).toThrow('no package "fs" is installed');
});
