// Failure: a module whose loading, or a plugin whose making of a stage, never ended ended the command
// instead, without a word. Method: modules that wait for ever, and a clock that is wound on.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test, vi } from "vitest";
import { loadStage } from "../../src/pipeline/index.js";
import { folderOf } from "../helpers/defined-pipeline.js";

const FILES = {
  "loads.mjs":
    "globalThis.reached(); await new Promise(() => {}); export default (message) => message;",
  "makes.mjs": `export default { name: "p", stages: { one: { about: "Waits.", create() {
    globalThis.reached();
    return new Promise(() => {});
  } } } };`,
};

test.for(Object.keys(FILES))("%s is given a minute, and named", async (name, t) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  t.onTestFinished(() => void vi.useRealTimers());
  const folder = await folderOf(t, FILES);
  const reached = new Promise<void>((resolve) => {
    vi.stubGlobal("reached", resolve);
  });
  t.onTestFinished(() => void vi.unstubAllGlobals());
  const file = pathToFileURL(join(folder, name));
  const loaded = loadStage({ use: `./${name}`, file, name: "one" });
  const refused = expect(loaded).rejects.toMatchObject({
    code: "PIPELINE_STAGE_MODULE_FAILED",
    message: `the module of stage "./${name}" could not be loaded: it took more than 60000 ms`,
  });
  await reached;
  await vi.advanceTimersByTimeAsync(60_000);
  await refused;
});
