/**
 * Goal: the broker answers as the recordings of the original say, with the allowed differences.
 * Method: every recorded exchange of the kinds core, edge and defect is replayed over TCP, once with
 * whole frames and once byte by byte. What differs is written down below, each with its reason.
 *
 * Differences that hold for all of them:
 * - connections are kept open, so a close that was recorded after an answer is not waited for;
 *   where the recording has a close and no answer, ours closes without an answer too;
 * - queues that are empty are not there in the end;
 * - POPs are not held (`maxHoldMs: 0`), for recorded ones were answered at once;
 * - reasons that no client compares are prose of our own: code 1 and some text;
 * - contents of PUSH_FOR_NV_INGEST are compared as JSON with exact decimals.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Deviation, type ExpectedAnswer, replay, type Vector } from "../helpers/replay.js";

const FOLDER = join(import.meta.dirname, "../../../shared/vectors");
const KINDS: readonly string[] = ["core", "edge", "defect"];

const PONG: ExpectedAnswer = { code: 0, reason: "OK", response: "PONG", hasId: false };
const NO_ACK: ExpectedAnswer = {
  code: 1,
  reason: "ACK not received.",
  response: null,
  hasId: true,
};
const FULL: ExpectedAnswer = { code: 1, reason: "Queue is full", response: null, hasId: false };
const REFUSED: ExpectedAnswer = { code: 1, response: null, hasId: false };
const NOT_JSON: ExpectedAnswer = { ...REFUSED, reason: "Invalid JSON message" };

const badAckGivenBack: Deviation = {
  why: "defect 2: an ACK that is no object is a refused ACK, and the message goes back",
  answers: { 1: NO_ACK },
  ready: { q: ["A"] },
};
const popTimeoutRefused: Deviation = {
  why: "defect 3: a timeout no clock can keep is refused before the queue is touched",
  answers: { 0: null, 1: REFUSED },
  ready: { q: ["A"] },
};
const popTimeoutClamped: Deviation = {
  why: "defect 3: the message is handed out, no error follows, and it goes back at the close",
  answers: { 1: null },
  more: [NO_ACK],
  ready: { q: ["A"] },
};
const pushTimeoutOver: Deviation = {
  why: "clarification: PUSH with timeout 0 or less is told at once that no ACK came, with its id",
  answers: { 1: NO_ACK },
};
const notAnObject: Deviation = {
  why: "section 5.4: JSON that is no object gets the text of a message that is not JSON",
  answers: { 0: NOT_JSON },
};

const DEVIATIONS: Readonly<Record<string, Deviation>> = {
  second_request_same_connection: {
    why: "section 10.2: a second request on a connection is answered",
    more: [PONG],
  },
  pipelined_requests: { why: "section 10.2: a pipelined request is answered", more: [PONG] },
  pop_ack_list_strands_message: badAckGivenBack,
  pop_ack_not_utf8_strands_message: badAckGivenBack,
  pop_timeout_nan_strands_message: popTimeoutRefused,
  pop_timeout_negative_strands_message: popTimeoutRefused,
  pop_timeout_zero_strands_message: popTimeoutClamped,
  pop_timeout_huge_strands_message: popTimeoutClamped,
  pop_timeout_infinity_strands_message: popTimeoutClamped,
  push_timeout_zero: pushTimeoutOver,
  push_timeout_negative: pushTimeoutOver,
  push_timeout_huge: {
    why: "clarification: a huge timeout is clamped, so only the close ends the wait for the ACK",
    answers: { 1: null },
    more: [NO_ACK],
  },
  push_for_nv_ingest_list: notAnObject,
  push_for_nv_ingest_null: notAnObject,
  push_for_nv_ingest_number: notAnObject,
  push_for_nv_ingest_string: notAnObject,
  queue_unlimited: {
    why: "its five messages were stored before the recording, which has only their end state",
    preload: { q: ["0", "1", "2", "3", "4"] },
  },
  queue_full_race: {
    why: "defect 4: the place is kept with the first response, so the second push is refused",
    answers: { 1: FULL, 3: null },
    unsent: [3],
    ready: { q: ["a"] },
  },
};

function readVectors(): { kind: string; vector: Vector }[] {
  const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), "utf8"));
  const { vectors } = read("index.json") as { vectors: { file: string; kind: string }[] };
  return vectors
    .filter(({ kind }) => KINDS.includes(kind))
    .map(({ file, kind }) => ({ kind, vector: read(file) as Vector }));
}

describe.runIf(existsSync(FOLDER))("recorded exchanges", () => {
  const vectors = existsSync(FOLDER) ? readVectors() : [];

  test("there are recordings of each kind, and every deviation belongs to one", () => {
    for (const kind of KINDS) expect(vectors.map((each) => each.kind)).toContain(kind);
    const names = vectors.map(({ vector }) => vector.name);
    expect(Object.keys(DEVIATIONS).filter((name) => !names.includes(name))).toEqual([]);
    const defects = vectors
      .filter(({ kind }) => kind === "defect")
      .map(({ vector }) => vector.name);
    expect(defects.filter((name) => DEVIATIONS[name] === undefined)).toEqual([]);
  });

  for (const { kind, vector } of vectors) {
    const deviation = DEVIATIONS[vector.name];
    const but = deviation === undefined ? "" : ` (but ${deviation.why})`;
    test.concurrent(`${kind} ${vector.name}: ${vector.about}${but}`, async (t) => {
      await replay(t, vector, { deviation });
    });
    test.concurrent(`${kind} ${vector.name}, byte by byte`, async (t) => {
      await replay(t, vector, { deviation, byteByByte: true });
    });
  }
});
