/**
 * Goal: quickstart and ingest turn documents into files, report each, and end with the right code.
 * Method: real processes on the samples of the package and on folders made here.
 */
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { slowPdf } from "../helpers/slow-pdf.js";
import { listeningPort, runCli, startCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const SAMPLES = fileURLToPath(new URL("../../samples/", import.meta.url));

async function sampleNames(): Promise<string[]> {
  const entries = await readdir(SAMPLES, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name !== "README.md");
  return files.map(({ name }) => name).sort();
}

test("quickstart carries every sample through its broker and writes its result", async (t) => {
  const cwd = await temporaryFolder(t);
  const { code, stdout, stderr } = await runCli(t, ["quickstart"], { cwd });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const names = await sampleNames();
  expect(await readdir(join(cwd, "out"))).toEqual(names.map((name) => `${name}.json`).sort());
  for (const name of names) {
    const result = JSON.parse(await readFile(join(cwd, "out", `${name}.json`), "utf8"));
    expect(result.status).toBe("success");
    expect(stdout).toContain(name);
  }
  const lines = stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toMatch(/^\d+ documents done; results are in out\. Next: npx millrace /);
  for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(80);
  const pid = Number(/in process (\d+)/.exec(stderr)?.[1]);
  expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
});

test("ingest writes json, jsonl and md, each document into a file of its own", async (t) => {
  const cwd = await temporaryFolder(t);
  const files = (await sampleNames()).map((name) => join(SAMPLES, name));
  for (const format of ["json", "jsonl", "md"]) {
    const args = ["ingest", ...files, "--format", format, "--out", format];
    const { code, stderr } = await runCli(t, args, { cwd });
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }
  const name = "millrace-handbook.pdf";
  const whole = JSON.parse(await readFile(join(cwd, `json/${name}.json`), "utf8"));
  const lines = (await readFile(join(cwd, `jsonl/${name}.jsonl`), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).metadata.content)).toEqual(
    whole.data.map((row: { metadata: { content: string } }) => row.metadata.content),
  );
  const notes = await readFile(join(SAMPLES, "notes.md"), "utf8");
  expect(await readFile(join(cwd, "md/notes.md.md"), "utf8")).toBe(`${notes.trimEnd()}\n`);
});

test("a broken document gives 1 and its cause, and the others are done", async (t) => {
  const cwd = await temporaryFolder(t);
  await mkdir(join(cwd, "docs"));
  await writeFile(join(cwd, "docs/broken.pdf"), "%PDF-1.7\nnothing more");
  await writeFile(join(cwd, "docs/good.txt"), "good");
  await writeFile(join(cwd, "docs/picture.png"), "png");
  const { code, stdout } = await runCli(t, ["ingest", "docs"], { cwd });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^failed: docs\/broken\.pdf: .*pdf document cannot be read/m);
  expect(stdout).toMatch(/^skipped: docs\/picture\.png: /m);
  expect(stdout).toMatch(/^1 document done, 1 failed, 1 skipped; results are in out$/m);
  expect((await readdir(join(cwd, "out"))).sort()).toEqual(["broken.pdf.json", "good.txt.json"]);
});

test("with --json each document and the end are a line of JSON, and that is all", async (t) => {
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, "a.txt"), "one");
  await writeFile(join(cwd, "b.pdf"), "no PDF");
  const { code, stdout, stderr } = await runCli(t, ["ingest", "a.txt", "b.pdf", "--json"], { cwd });
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const documents = lines.filter(({ event }) => event === "document");
  expect(documents.find(({ name }) => name === "a.txt")).toMatchObject({
    status: "success",
    rows: 1,
    characters: 3,
    output: "out/a.txt.json",
  });
  expect(documents.find(({ name }) => name === "b.pdf")).toMatchObject({ status: "failed" });
  const counts = { succeeded: 1, failed: 1, skipped: 0, unchanged: 0 };
  expect(lines.at(-1)).toEqual({ event: "done", ...counts, out: "out" });
});

test("names made to do harm neither leave the directory nor reach the terminal", async (t) => {
  const cwd = await temporaryFolder(t);
  await mkdir(join(cwd, "docs"));
  await writeFile(join(cwd, "docs", "\u001b[2J\u001b]0;owned\u0007.txt"), "escape");
  await writeFile(join(cwd, "docs", "a\\..\\..\\up.txt"), "backslash");
  await writeFile(join(cwd, "docs", ".hidden.txt"), "passed over");
  await writeFile(join(cwd, "docs", "CON.txt"), "device");
  const { code, stdout, stderr } = await runCli(t, ["ingest", "docs"], { cwd });
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain("\u001b");
  const written = await readdir(join(cwd, "out"));
  expect(written).toHaveLength(3);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the question
  for (const name of written) expect(name).not.toMatch(/[\u0000-\u001f\\]|^CON/);
});

test("ingest can send its documents to a server that runs already", async (t) => {
  const cwd = await temporaryFolder(t);
  const server = startCli(t, ["serve", "--port", "0"]);
  const broker = `simple://127.0.0.1:${await listeningPort(server)}`;
  const args = ["ingest", join(SAMPLES, "letter.txt"), "--format", "md"];
  const { code } = await runCli(t, args, { cwd, env: { MILLRACE_BROKER: broker } });
  expect(code).toBe(0);
  expect(await readdir(join(cwd, "out"))).toEqual(["letter.txt.md"]);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
});

test("ingest ends with 69 without its broker, 75 when it is full, 2 without paths", async (t) => {
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, "a.txt"), "a");
  await writeFile(join(cwd, "b.txt"), "b");
  const broker = startCli(t, ["broker", "--port", "0", "--max-queue-size", "1"]);
  const url = `simple://127.0.0.1:${await listeningPort(broker)}`;
  const args = ["ingest", "a.txt", "b.txt", "--broker", url, "--result-timeout-ms", "300"];
  const full = await runCli(t, args, { cwd });
  expect(full.code).toBe(75);
  expect(full.stderr).toMatch(/queue "ingest_task_queue" is full/);
  broker.child.kill("SIGTERM");
  await broker.ended;
  expect((await runCli(t, args, { cwd })).code).toBe(69);
  const nothing = await runCli(t, ["ingest"], { cwd });
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toMatch(/nothing to ingest/);
});

test("a reader that goes away ends ingest without a complaint", async (t) => {
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, "quick.txt"), "quick");
  for (let index = 0; index < 20; index++) await writeFile(join(cwd, `z${index}.txt`), "text");
  await writeFile(join(cwd, "slow.pdf"), slowPdf(90_000));
  const cli = startCli(t, ["ingest", ".", "--json", "--out", "out"], { cwd });
  await once(cli.child.stdout as NodeJS.ReadableStream, "data");
  cli.child.stdout?.destroy();
  const { code, stderr } = await cli.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("an interrupted ingest says so, reports what is done, and ends with 70", async (t) => {
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, "quick.txt"), "quick");
  await writeFile(join(cwd, "slow.pdf"), slowPdf(90_000));
  const cli = startCli(t, ["ingest", "quick.txt", "slow.pdf"], { cwd });
  await once(cli.child.stderr as NodeJS.ReadableStream, "data");
  cli.child.kill("SIGINT");
  const { code, stdout, stderr } = await cli.ended;
  expect(code).toBe(70);
  expect(stdout).toMatch(/quick\.txt/);
  expect(stderr).toMatch(/interrupted by SIGINT/);
});

test("ingest does not take in its own results, and refuses to when told to", async (t) => {
  const cwd = await temporaryFolder(t);
  await writeFile(join(cwd, "a.txt"), "grain");
  for (const round of [1, 2]) {
    const { code, stdout } = await runCli(t, ["ingest", "."], { cwd });
    expect({ round, code }).toEqual({ round, code: 0 });
    expect(stdout).toMatch(/^1 document done/m);
  }
  const { code, stderr } = await runCli(t, ["ingest", "out"], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain("folder of the results");
});

test("a pattern takes in what fits, once, without what is excluded", async (t) => {
  const cwd = await temporaryFolder(t);
  for (const name of ["a.txt", "x/b.txt", "x/c.html", "x/drafts/d.txt"]) {
    await mkdir(join(cwd, "docs", name, ".."), { recursive: true });
    await writeFile(join(cwd, "docs", name), "text");
  }
  const args = ["ingest", "docs/**/*.txt", "docs/x/b.txt", "--exclude", "drafts", "--json"];
  const { code, stdout } = await runCli(t, args, { cwd });
  expect(code).toBe(0);
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(
    events
      .map(({ path }) => path)
      .filter(Boolean)
      .sort(),
  ).toEqual(["docs/a.txt", "docs/x/b.txt"]);
});
