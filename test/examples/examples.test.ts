/**
 * Goal: the examples do what they say. Method: each runs in a process of its own, as a reader would run
 * it, and what it prints is compared.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PROMPTLY_MS = 25_000;

/** What an example prints. Fails when it ends with another exit code than 0. */
async function run(example: string): Promise<{ stdout: string; stderr: string }> {
  const path = fileURLToPath(new URL(`../../examples/${example}`, import.meta.url));
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return await promisify(execFile)(process.execPath, ["--import", "tsx", path], {
    cwd,
    timeout: PROMPTLY_MS,
  });
}

test("noop.ts gives back the text that it sent", async () => {
  expect(await run("noop.ts")).toEqual({
    stdout: "success: Hello, mill!\n1 processed, 0 failed\n",
    stderr: "",
  });
});

test("custom-functions.ts adds to one document and refuses the other", async () => {
  expect(await run("custom-functions.ts")).toEqual({
    stdout:
      "letter.txt: success (12 characters)\n" +
      "empty.txt: failed (Error in validateContent: the document has no text)\n",
    stderr: "",
  });
});
