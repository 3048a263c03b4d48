/**
 * Goal: the plugin of the examples works where a user installs it. Method: a folder with it and with
 * this package in its node_modules, and a pipeline that uses it by name.
 */
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, type TestContext, test } from "vitest";
import { loadPlugin, loadStage, parseStageAddress } from "../../src/pipeline/index.js";
import { startBench } from "../helpers/pipeline-bench.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const root = join(import.meta.dirname, "../..");

/** The address of a file in the user's folder, from which packages are looked for. */
async function installPlugin(t: TestContext): Promise<URL> {
  const folder = await temporaryFolder(t);
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await cp(join(root, "examples/redact-plugin"), join(modules, "millrace-redact"), {
    recursive: true,
  });
  await symlink(root, join(modules, "millrace"));
  await symlink(join(root, "node_modules/zod"), join(modules, "zod"));
  await writeFile(join(folder, "pipeline.yaml"), "");
  return pathToFileURL(join(folder, "pipeline.yaml"));
}

test("its stages black out words and numbers", async (t) => {
  const base = await installPlugin(t);
  const load = async (use: string, config: object) => {
    const loaded = await loadStage({ ...parseStageAddress(use, base), name: use, config });
    return { stage: loaded.stage, config: loaded.config };
  };
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [
      await load("millrace-redact#words", { words: ["miller", "a.b"] }),
      await load("millrace-redact#numbers", { mark: "#" }),
    ],
  });
  const job = await submit("Dear Miller (aXb, a.b), call 5551234 or 12.");
  await pipeline.run({ maxMessages: 1 });
  const { data } = await onlyResult(job);
  expect(data?.[0]?.metadata.content).toBe("Dear █ (aXb, █), call # or 12.");
});

test("its options are checked by its own schema", async (t) => {
  const base = await installPlugin(t);
  const address = parseStageAddress("millrace-redact#words", base);
  const load = (config: object) => loadStage({ ...address, name: "redact", config });
  await expect(load({ word: ["x"] })).rejects.toThrow(
    /unknown option "word", did you mean "words"/,
  );
  await expect(load({ words: [] })).rejects.toThrow(/"words"/);
  expect(Object.keys((await loadPlugin(address))?.stages ?? {})).toEqual(["words", "numbers"]);
});
