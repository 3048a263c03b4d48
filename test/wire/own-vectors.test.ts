/**
 * Goal: each command of the protocol is answered as docs/protocol.md says.
 * Method: exchanges written for this project are replayed over TCP, whole and byte by byte.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { replay, type Vector } from "../helpers/replay.js";

const FOLDER = join(import.meta.dirname, "own-vectors");
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));

for (const file of files) {
  const vector = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Vector;
  test(vector.about, async (t) => {
    await replay(t, vector, {});
  });
  test(`${vector.about}, byte by byte`, async (t) => {
    await replay(t, vector, { byteByByte: true });
  });
}
