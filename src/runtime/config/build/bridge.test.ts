/** Goal: what is taken out of a graph leaves no gap and joins nobody who was not joined before. */
import { expect, test } from "vitest";
import { bridgedEdges, bridgedRunsAfter } from "./bridge.js";

const edges = (text: string) =>
  text
    .split(" ")
    .filter((edge) => edge !== "")
    .map((edge) => ({ from: edge[0] as string, to: edge[1] as string }));
const shown = (text: string, removed: string) =>
  bridgedEdges(edges(text), new Set(removed))
    .map(({ from, to }) => from + to)
    .join(" ");

test.each([
  ["ab bc cd", "", "ab bc cd"],
  ["ab bc cd", "b", "ac cd"],
  ["ab bc cd", "bc", "ad"],
  ["ab bc cd", "cb", "ad"],
  ["ab ac bd cd", "b", "ad ac cd"],
  ["ab ac bd cd", "bc", "ad"],
  ["ab bc bd ce de", "b", "ac ad ce de"],
  ["ac bc cd ce", "c", "ad ae bd be"],
  ["ab", "b", ""],
  ["ab bb bc", "b", "ac"],
  ["ab ba", "b", ""],
])("%s without %s is %s", (before, removed, after) => {
  expect(shown(before, removed)).toBe(after);
});

test("who ran after a stage that is gone runs after those that it ran after", () => {
  const removed = new Map([
    ["b", ["a"]],
    ["c", ["b", "x"]],
    ["loop", ["loop"]],
  ]);
  expect(bridgedRunsAfter(["c", "y"], removed)).toEqual(["a", "x", "y"]);
  expect(bridgedRunsAfter(["b", "c"], removed)).toEqual(["a", "x"]);
  expect(bridgedRunsAfter(["loop"], removed)).toEqual([]);
});
