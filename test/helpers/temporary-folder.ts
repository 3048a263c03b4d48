/** A folder of its own for a test, removed when the test ends. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleanup } from "./start-broker.js";

export async function temporaryFolder(t: Cleanup): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-test-"));
  t.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
