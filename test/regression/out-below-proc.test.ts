// Failure: `ingest --out /proc/nope` made folders for ever and could not be stopped.
// Method: open a writer there; it must refuse with its code.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { openResultWriter, RuntimeErrors } from "../../src/runtime/index.js";

test.runIf(existsSync("/proc/self"))("a folder that cannot be made is refused", async () => {
  const { code } = RuntimeErrors.RESULT_UNWRITABLE;
  await expect(openResultWriter("/proc/nope/deeper", "json")).rejects.toMatchObject({ code });
});
