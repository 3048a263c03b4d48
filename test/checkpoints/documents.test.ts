/**
 * Goal: documents that did not change cost nothing the second time, and their results are the same.
 * Method: folders of documents through `ingestDocuments` and a local pipeline, and through the
 * command line, twice; what the extraction stage did is counted by the pipeline.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MemoryClient } from "../../src/client/index.js";
import {
  type DocumentOutcome,
  ingestDocuments,
  LocalPipeline,
  type LocalPipelineSettings,
  SimpleMessageBroker,
} from "../../src/runtime/index.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { runCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const DOCUMENTS = 1_000;

const page = (index: number, text = "The mill turns.") =>
  `<html><body><h1>Page ${index}</h1><p>${text}</p></body></html>`;

async function writePages(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    await writeFile(join(folder, `${index}.html`), page(index));
  }
}

/** Ingests a folder with a pipeline of its own; what came of it, and how often a page was extracted. */
async function run(t: Cleanup, folder: string, settings: LocalPipelineSettings) {
  const brokerClient = { clientType: "memory", broker: new SimpleMessageBroker() } as const;
  const pipeline = new LocalPipeline({ brokerClient, ...settings });
  t.onTestFinished(() => pipeline.stop({ drain: false }));
  await pipeline.start();
  const client = new MemoryClient(brokerClient);
  const outcomes = new Map<string, DocumentOutcome>();
  for await (const outcome of ingestDocuments(client, [folder], { concurrency: 8 })) {
    outcomes.set(outcome.name, outcome);
  }
  await client.close();
  await pipeline.stop();
  const stats = pipeline.getStats();
  return { outcomes, extracted: stats?.stages.html_extractor?.processed, stats };
}

const namesOf = (outcomes: ReadonlyMap<string, DocumentOutcome>) =>
  [...outcomes.values()].filter(({ unchanged }) => !unchanged).map(({ name }) => name);

test("1,000 documents twice with one changed: the extraction stage runs 1,001 times", async (t) => {
  const folder = join(await temporaryFolder(t), "docs");
  const settings = { checkpoints: { dir: await temporaryFolder(t) } };
  await writePages(folder, DOCUMENTS);
  const first = await run(t, folder, settings);
  expect(first.extracted).toBe(DOCUMENTS);
  expect(namesOf(first.outcomes)).toHaveLength(DOCUMENTS);
  await writeFile(join(folder, "500.html"), page(500, "It turns no more."));
  const second = await run(t, folder, settings);
  expect(second.extracted).toBe(1);
  expect(namesOf(second.outcomes)).toEqual(["500.html"]);
  expect(second.stats?.checkpointStore).toMatchObject({
    loaded: DOCUMENTS - 1,
    stored: 1,
    failed: 0,
  });
  expect(second.outcomes.size).toBe(DOCUMENTS);
  for (const [name, { status, result }] of second.outcomes) {
    expect(status).toBe("success");
    const before = first.outcomes.get(name)?.result;
    if (name === "500.html") expect(result?.data?.[0]?.metadata.content).toMatch(/no more/);
    else expect(result?.data).toEqual(before?.data);
  }
});

test("other options of extraction are other results", async (t) => {
  const folder = join(await temporaryFolder(t), "docs");
  const checkpoints = { dir: await temporaryFolder(t) };
  await writePages(folder, 3);
  expect((await run(t, folder, { checkpoints })).extracted).toBe(3);
  const otherwise = await run(t, folder, { checkpoints, extract: { pageNumberBase: 0 } });
  expect(otherwise.extracted).toBe(3);
  expect((await run(t, folder, { checkpoints })).extracted ?? 0).toBe(0);
});

test("without a folder nothing is kept", async (t) => {
  const folder = join(await temporaryFolder(t), "docs");
  await writePages(folder, 2);
  for (const _ of [1, 2]) {
    const { extracted, stats } = await run(t, folder, {});
    expect(extracted).toBe(2);
    expect(stats).not.toHaveProperty("checkpoints");
  }
});

test("a document that fails is tried again", async (t) => {
  const folder = join(await temporaryFolder(t), "docs");
  await mkdir(folder);
  await writeFile(join(folder, "broken.pdf"), "%PDF-1.7\nnothing more");
  const checkpoints = { dir: await temporaryFolder(t) };
  for (const _ of [1, 2]) {
    const { outcomes, stats } = await run(t, folder, { checkpoints });
    expect(outcomes.get("broken.pdf")).toMatchObject({ status: "failed", unchanged: false });
    expect(stats?.stages.pdf_extractor?.errors).toBe(1);
  }
});

test("ingest --checkpoint-dir tells how many documents were unchanged", async (t) => {
  const cwd = await temporaryFolder(t);
  await writePages(join(cwd, "docs"), 4);
  const args = ["ingest", "docs", "--checkpoint-dir", "kept"];
  const first = await runCli(t, args, { cwd });
  expect(first.stdout).toMatch(/^4 documents done; results are in out$/m);
  const before = await readFile(join(cwd, "out/1.html.json"), "utf8");
  await writeFile(join(cwd, "docs/2.html"), page(2, "changed"));
  const second = await runCli(t, args, { cwd });
  expect(second.stdout).toMatch(/^4 documents done \(3 unchanged\); results are in out$/m);
  const after = await readFile(join(cwd, "out/1.html.json"), "utf8");
  expect(JSON.parse(after).data).toEqual(JSON.parse(before).data);
  const third = await runCli(t, [...args, "--json"], { cwd });
  const lines = third.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ unchanged }) => unchanged === true)).toHaveLength(4);
  expect(lines.at(-1)).toMatchObject({ event: "done", succeeded: 4, unchanged: 4 });
});

test("a folder for checkpoints that cannot be used ends the command before any work", async (t) => {
  const cwd = await temporaryFolder(t);
  await writePages(join(cwd, "docs"), 1);
  await writeFile(join(cwd, "file"), "");
  const args = ["ingest", "docs", "--checkpoint-dir", "file"];
  const { code, stderr } = await runCli(t, args, { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/the folder for checkpoints "file" cannot be used/);
  expect(await readdir(cwd)).toEqual(["docs", "file"]);
});
