/**
 * The shape of a pipeline: which part hands its messages to which. Names only; what the parts do is
 * not its business. All faults are told at once, before anything is started.
 */
import { nearestKey, quote } from "../core/index.js";
import { PipelineErrors } from "./errors.js";

export interface Edge {
  readonly from: string;
  readonly to: string;
}

export interface GraphStage {
  readonly name: string;
  /** Stages that every message must have come through before this one. */
  readonly runsAfter?: readonly string[];
}

export interface GraphShape {
  readonly sources: readonly string[];
  readonly stages: readonly GraphStage[];
  readonly sinks: readonly { readonly name: string; readonly replies: boolean }[];
  /** Without any: all sources into the first stage, stage after stage, the last into all sinks. */
  readonly edges: readonly Edge[];
  /** Checkpoints know one way only. */
  readonly needsChain: boolean;
}

export interface GraphPlan {
  /** Where the messages of each part go next, in the order of the edges. */
  readonly next: ReadonlyMap<string, readonly string[]>;
  /** The edges on the way from a source to the sink that answers: their messages are no copies. */
  leadsToReply(from: string, to: string): boolean;
}

/** More is a mistake; and work that is done at once goes deeper into the stack with each stage. */
const PARTS_MAX = 500;

/**
 * @throws PIPELINE_GRAPH_INVALID with every fault: more than 500 parts, names that are taken or unknown, edges that repeat
 *   or lead into a source or out of a sink, cycles, stages that no message reaches or leaves, jobs
 *   that nobody would answer or that would come twice to the same part or be answered twice, and
 *   `runsAfter` that does not hold.
 */
export function planGraph(shape: GraphShape): GraphPlan {
  const graph = new Graph(shape);
  graph.checkNames();
  graph.checkEdges();
  // The rest follows edges, and would only repeat these faults in other words.
  if (graph.faults.length === 0) graph.checkCycles();
  if (graph.faults.length === 0) {
    graph.checkReach();
    graph.checkAnswers();
    if (shape.needsChain) graph.checkChain();
  }
  graph.checkRunsAfter();
  if (graph.faults.length > 0) throw PipelineErrors.GRAPH_INVALID({ faults: graph.faults });
  const answering = graph.reaching(graph.repliers);
  return {
    next: graph.next,
    leadsToReply: (_from, to) => answering.has(to),
  };
}

class Graph {
  readonly faults: string[] = [];
  readonly next = new Map<string, string[]>();
  readonly repliers: readonly string[];
  readonly #shape: GraphShape;
  readonly #edges: readonly Edge[];
  readonly #names: readonly string[];

  constructor(shape: GraphShape) {
    const { sources, stages, sinks, edges } = shape;
    this.#shape = shape;
    this.#names = [...sources, ...stages.map(({ name }) => name), ...sinks.map(({ name }) => name)];
    this.#edges = edges.length > 0 ? edges : chainOf(shape);
    this.repliers = sinks.filter(({ replies }) => replies).map(({ name }) => name);
    for (const name of this.#names) this.next.set(name, []);
    for (const { from, to } of this.#edges) this.next.get(from)?.push(to);
  }

  checkNames(): void {
    const { sources, sinks } = this.#shape;
    if (sources.length === 0) this.faults.push("there is no source");
    if (sinks.length === 0) this.faults.push("there is no sink");
    const count = this.#names.length;
    if (count > PARTS_MAX) this.faults.push(`there are ${count} parts, more than ${PARTS_MAX}`);
    const counts = new Map<string, number>();
    for (const name of this.#names) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [name, count] of counts) {
      if (count > 1)
        this.faults.push(`${count} parts are named ${quote(name)}; rename all but one`);
    }
  }

  checkEdges(): void {
    const sources = new Set(this.#shape.sources);
    const sinks = new Set(this.#shape.sinks.map(({ name }) => name));
    const seen = new Set<string>();
    for (const { from, to } of this.#shape.edges) {
      const edge = `the edge from ${quote(from)} to ${quote(to)}`;
      for (const name of new Set([from, to])) {
        if (!this.next.has(name)) this.faults.push(`${edge}: ${this.#unknown(name)}`);
      }
      if (sources.has(to)) this.faults.push(`${edge} leads into a source`);
      if (sinks.has(from)) this.faults.push(`${edge} leads out of a sink`);
      const key = JSON.stringify([from, to]);
      if (seen.has(key)) this.faults.push(`${edge} is there twice`);
      seen.add(key);
    }
  }

  checkCycles(): void {
    const done = new Set<string>();
    for (const name of this.#names) {
      const cycle = done.has(name) ? undefined : this.#cycleFrom(name, done);
      if (cycle !== undefined) this.faults.push(`a cycle: ${cycle.map(quote).join(" -> ")}`);
    }
  }

  checkReach(): void {
    const { sources, stages, sinks } = this.#shape;
    const reached = this.#reachedFrom(sources);
    const leaving = this.reaching(sinks.map(({ name }) => name));
    for (const { name } of stages) {
      if (!reached.has(name)) this.faults.push(`no message reaches stage ${quote(name)}`);
      if (!leaving.has(name))
        this.faults.push(`messages do not get from stage ${quote(name)} to a sink`);
    }
    for (const { name } of sinks) {
      if (!reached.has(name)) this.faults.push(`no message reaches sink ${quote(name)}`);
    }
  }

  checkAnswers(): void {
    for (const source of this.#shape.sources) {
      const arrivals = this.#arrivalsFrom(source);
      const jobs = `the jobs of source ${quote(source)}`;
      for (const [name, count] of arrivals) {
        if (count > 1)
          this.faults.push(`${jobs} come to ${quote(name)} on ${count} ways; leave one`);
      }
      const answers = this.repliers.filter((name) => arrivals.has(name));
      if (answers.length === 0) this.faults.push(`${jobs} reach no sink that answers`);
      if (answers.length > 1) {
        const named = answers.map(quote).join(" and ");
        this.faults.push(`${jobs} would be answered by ${named}; only one of them may reply`);
      }
    }
  }

  checkChain(): void {
    const { sources, stages } = this.#shape;
    const order = [...sources.slice(0, 1), ...stages.map(({ name }) => name)];
    const isChain =
      sources.length === 1 &&
      order.every((name, index) => {
        const next = this.next.get(name) ?? [];
        return next.length === 1 && (index + 1 === order.length || next[0] === order[index + 1]);
      });
    if (!isChain) this.faults.push("checkpoints need a chain in the order of the stages");
  }

  checkRunsAfter(): void {
    for (const { name, runsAfter = [] } of this.#shape.stages) {
      for (const before of runsAfter) {
        const rule = `stage ${quote(name)} runs after ${quote(before)}`;
        if (!this.next.has(before)) this.faults.push(`${rule}: ${this.#unknown(before)}`);
        else if (this.faults.length === 0 && !this.#isAlwaysBefore(before, name)) {
          this.faults.push(`${rule}, but messages reach it without having been there`);
        }
      }
    }
  }

  /** The parts from which one of these can be reached, themselves among them. */
  reaching(ends: readonly string[]): Set<string> {
    const before = new Map<string, string[]>(this.#names.map((name) => [name, []]));
    for (const { from, to } of this.#edges) before.get(to)?.push(from);
    return follow(ends, before);
  }

  #reachedFrom(starts: readonly string[], without?: string): Set<string> {
    return follow(starts, this.next, without);
  }

  /** On how many ways a message of the source comes to each part; there are no cycles. */
  #arrivalsFrom(source: string): Map<string, number> {
    const reached = this.#reachedFrom([source]);
    const arrivals = new Map<string, number>([[source, 1]]);
    const waiting = new Map<string, number>();
    for (const { from, to } of this.#edges) {
      if (reached.has(from)) waiting.set(to, (waiting.get(to) ?? 0) + 1);
    }
    const ready = [source];
    for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
      for (const to of this.next.get(name) ?? []) {
        arrivals.set(to, (arrivals.get(to) ?? 0) + (arrivals.get(name) as number));
        const left = (waiting.get(to) as number) - 1;
        waiting.set(to, left);
        if (left === 0) ready.push(to);
      }
    }
    return arrivals;
  }

  /** Whether no message gets to a stage when `before` is taken out. */
  #isAlwaysBefore(before: string, name: string): boolean {
    return before !== name && !this.#reachedFrom(this.#shape.sources, before).has(name);
  }

  #cycleFrom(start: string, done: Set<string>): string[] | undefined {
    const path = new Set<string>();
    const ways: Iterator<string>[] = [];
    const names: string[] = [];
    const enter = (name: string) => {
      path.add(name);
      names.push(name);
      ways.push((this.next.get(name) ?? []).values());
    };
    enter(start);
    for (let way = ways.at(-1); way !== undefined; way = ways.at(-1)) {
      const step = way.next();
      if (step.done) {
        ways.pop();
        const left = names.pop() as string;
        path.delete(left);
        done.add(left);
      } else if (path.has(step.value)) {
        const cycle = [...names.slice(names.indexOf(step.value)), step.value];
        for (const name of path) done.add(name);
        return cycle;
      } else if (!done.has(step.value)) enter(step.value);
    }
    return undefined;
  }

  #unknown(name: string): string {
    const near = nearestKey(name, this.#names);
    const hint = near === undefined ? "" : `, did you mean ${quote(near)}?`;
    return `there is no part ${quote(name)}${hint}`;
  }
}

/** Where one gets from these, themselves among them, without coming through `without`. */
function follow(
  starts: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
  without?: string,
): Set<string> {
  const found = new Set<string>();
  const pending = [...starts];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === without || found.has(name)) continue;
    found.add(name);
    pending.push(...(next.get(name) ?? []));
  }
  return found;
}

function chainOf({ sources, stages, sinks }: GraphShape): Edge[] {
  const rows = [sources, ...stages.map(({ name }) => [name]), sinks.map(({ name }) => name)];
  return rows.slice(1).flatMap((row, index) => {
    const before = rows[index] as readonly string[];
    return before.flatMap((from) => row.map((to) => ({ from, to })));
  });
}
