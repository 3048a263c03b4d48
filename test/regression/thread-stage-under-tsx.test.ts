/**
 * Goal: a stage in a thread works in a program that runs through tsx. Method: such a program. There a
 * thread got two copies of one file, and what one of them made was not known to the other by its class.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a stage in a thread works under tsx", async () => {
  const program = fileURLToPath(new URL("../fixtures/stages/thread-program.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    timeout: 25_000,
  });
  expect(stdout).toBe("good done\n");
});
