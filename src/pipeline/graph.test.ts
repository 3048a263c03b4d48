// Goal: a graph that cannot work is refused with all its faults, and one that can is planned as drawn.
// Method: small graphs, each with the faults that its text must tell.
import { expect, test } from "vitest";
import { type GraphShape, planGraph } from "./graph.js";

interface Drawing {
  readonly sources?: string;
  readonly stages?: string;
  readonly sinks?: string;
  /** Sinks that answer nobody. */
  readonly silent?: string;
  /** `a-b b-c` */
  readonly edges?: string;
  /** `c>a`: c runs after a. */
  readonly after?: string;
  readonly needsChain?: boolean;
}

const words = (text = "") => text.split(" ").filter((word) => word !== "");

function draw({
  sources = "in",
  stages,
  sinks = "out",
  silent,
  edges,
  after,
  needsChain,
}: Drawing) {
  const rules = words(after).map((rule) => rule.split(">") as [string, string]);
  const shape: GraphShape = {
    sources: words(sources),
    stages: words(stages).map((name) => ({
      name,
      runsAfter: rules.filter(([stage]) => stage === name).map(([, before]) => before),
    })),
    sinks: [
      ...words(sinks).map((name) => ({ name, replies: true })),
      ...words(silent).map((name) => ({ name, replies: false })),
    ],
    edges: words(edges).map((edge) => {
      const [from = "", to = ""] = edge.split("-");
      return { from, to };
    }),
    needsChain: needsChain ?? false,
  };
  return planGraph(shape);
}

const nextOf = (drawing: Drawing) =>
  Object.fromEntries([...draw(drawing).next].filter(([, to]) => to.length > 0));

test("without edges the parts are a chain in their order", () => {
  expect(nextOf({ stages: "a b" })).toEqual({ in: ["a"], a: ["b"], b: ["out"] });
  expect(nextOf({})).toEqual({ in: ["out"] });
});

test("without edges several sources feed the first stage, and the last feeds all sinks", () => {
  const next = nextOf({ sources: "in1 in2", stages: "a", silent: "index" });
  expect(next).toEqual({ in1: ["a"], in2: ["a"], a: ["out", "index"] });
});

test("branches are planned as drawn, and the way to the answer is known", () => {
  const drawing = {
    stages: "a b c",
    silent: "index",
    edges: "in-a a-b a-c b-out c-index",
  };
  expect(nextOf(drawing)).toEqual({ in: ["a"], a: ["b", "c"], b: ["out"], c: ["index"] });
  const plan = draw(drawing);
  expect(plan.leadsToReply("a", "b")).toBe(true);
  expect(plan.leadsToReply("a", "c")).toBe(false);
});

test("a rule of order that holds on every way is no fault", () => {
  expect(() => draw({ stages: "a b c", after: "c>a c>b b>a" })).not.toThrow();
  const branches = { stages: "a b c", silent: "s", edges: "in-a a-b b-out a-c c-s" };
  expect(() => draw({ ...branches, after: "b>a c>a" })).not.toThrow();
});

const FAULTS: readonly (readonly [title: string, drawing: Drawing, faults: readonly string[]])[] = [
  ["nothing at all", { sources: "", sinks: "" }, ["there is no source", "there is no sink"]],
  ["a name twice", { stages: "a a in" }, ['2 parts are named "a"', '2 parts are named "in"']],
  [
    "edges to nowhere",
    { stages: "split", edges: "in-split split-out splt-out split-nowhere" },
    ['there is no part "splt", did you mean "split"?', 'there is no part "nowhere"'],
  ],
  ["an edge twice", { stages: "a", edges: "in-a in-a a-out" }, ["is there twice"]],
  [
    "edges the wrong way",
    { stages: "a", edges: "in-a a-out a-in out-a" },
    ["leads into a source", "leads out of a sink"],
  ],
  ["a cycle", { stages: "a b", edges: "in-a a-b b-a b-out" }, ['a cycle: "a" -> "b" -> "a"']],
  ["a stage that loops", { stages: "a", edges: "in-a a-a a-out" }, ['a cycle: "a" -> "a"']],
  [
    "stages beside the way",
    { stages: "a b c", edges: "in-a a-out b-out a-c" },
    ['no message reaches stage "b"', 'messages do not get from stage "c" to a sink'],
  ],
  [
    "two answers",
    { sinks: "out1 out2", edges: "in-out1 in-out2" },
    ['the jobs of source "in" would be answered by "out1" and "out2"; only one of them may reply'],
  ],
  [
    "no answer",
    { sinks: "", silent: "index" },
    ['the jobs of source "in" reach no sink that answers'],
  ],
  [
    "two ways to one part",
    { stages: "a b c d", edges: "in-a a-b a-c b-d c-d d-out" },
    ['come to "d" on 2 ways', 'come to "out" on 2 ways'],
  ],
  [
    "an order that is not kept",
    { stages: "a b", after: "a>b" },
    ['stage "a" runs after "b", but messages reach it without having been there'],
  ],
  ["an order of unknown stages", { stages: "a", after: "a>bb" }, ['there is no part "bb"']],
  ["an order after itself", { stages: "a", after: "a>a" }, ['stage "a" runs after "a"']],
  [
    "checkpoints in branches",
    { stages: "a", silent: "s", needsChain: true },
    ["checkpoints need a chain"],
  ],
];

test.each(FAULTS)("%s is told", (_, drawing, faults) => {
  let error: unknown;
  try {
    draw(drawing);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "PIPELINE_GRAPH_INVALID" });
  const told = (error as { details: { faults: string[] } }).details.faults;
  for (const fault of faults) expect(told.join("\n")).toContain(fault);
  expect(told).toHaveLength(faults.length);
});

test("faults of all kinds are told at once", () => {
  const drawing = { stages: "a a b", edges: "in-a b-nowhere", after: "b>c" };
  expect(() => draw(drawing)).toThrow(/named "a".*"nowhere".*"c"/);
});

test("a chain of as many parts as are allowed is planned, and one more is refused", () => {
  const chain = (count: number) =>
    Array.from({ length: count }, (_, index) => `s${index}`).join(" ");
  expect(draw({ stages: chain(498) }).next.get("s497")).toEqual(["out"]);
  expect(() => draw({ stages: chain(499) })).toThrow(/501 parts, more than 500/);
});
