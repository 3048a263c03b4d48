/**
 * Makes a definition of ours from a file of upstream's form. Stages that exist here are mapped; the rest
 * is told and bridged: the jobs go by where it stood.
 */
import { quote } from "../../../core/index.js";
import { bridgedEdges, bridgedRunsAfter } from "../build/bridge.js";
import type { Fault } from "../definition/fault.js";
import { KNOWN_STAGES } from "../definition/known-stages.js";
import type { EdgeDefinition } from "../definition/pipeline-definition.js";
import { checkBySchema } from "../definition/schema-faults.js";
import type { Path } from "../text/origin.js";
import {
  brokerClientOf,
  type UpstreamBrokerClient,
  UpstreamPipeline,
  type UpstreamStage,
} from "./upstream-form.js";
import { concurrencyOf, type Machine } from "./upstream-replicas.js";

export interface ConvertedPipeline {
  /** As it would be written in our form; undefined when the file is not even of upstream's. */
  readonly given: unknown;
  readonly faults: readonly Fault[];
  /** What is not available here, with its place in the file. */
  readonly warnings: readonly Fault[];
  /** Where what stands at a path of `given` stood in the file. */
  placeOf(path: Path): Path;
}

const QUEUE_MAX = 10_000;

/** Upstream's names for what this program does elsewhere, so that nothing is missing. */
const DONE_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["default_drain", ""],
  ["otel_tracer", "traces are sent when an OTLP endpoint is configured"],
]);

export function convertUpstream(given: unknown, machine: Machine): ConvertedPipeline {
  const { data, faults } = checkBySchema(UpstreamPipeline, given);
  if (data === undefined) {
    return { given: undefined, faults, warnings: [], placeOf: (path) => path };
  }
  return new Conversion(data, machine).convert();
}

type Role = { readonly use: string } | "source" | "sink" | "missing";

class Conversion {
  readonly #file: UpstreamPipeline;
  readonly #machine: Machine;
  readonly #warnings: Fault[] = [];
  /** New and old paths, the later ones more precise. */
  readonly #moved: [Path, Path][] = [];
  readonly #roles: readonly Role[];

  constructor(file: UpstreamPipeline, machine: Machine) {
    this.#file = file;
    this.#machine = machine;
    const roles = file.stages.map(roleOf);
    // Only the first of each; another one would be a second end.
    this.#roles = roles.map((role, index) =>
      typeof role === "string" && role !== "missing" && roles.indexOf(role) !== index
        ? "missing"
        : role,
    );
  }

  convert(): ConvertedPipeline {
    const { name, description } = this.#file;
    this.#warnOfSettings();
    const given = {
      ...(typeof name === "string" && name !== "" && { name }),
      ...(typeof description === "string" && { description }),
      ...this.#ends(),
      stages: this.#stages(),
      edges: this.#edges(),
    };
    const { edges, ...chain } = given;
    return {
      given: isChain(edges, given.stages) ? chain : given,
      faults: [],
      warnings: this.#warnings,
      placeOf: (path) => this.#placeOf(path),
    };
  }

  /** The broker and its queue, from the configuration of the source, else of the sink. */
  #ends(): { broker?: string; taskQueue?: string } {
    const source = this.#roles.indexOf("source");
    const sink = this.#roles.indexOf("sink");
    const of = (index: number) => {
      const stage = this.#file.stages[index];
      return stage === undefined ? undefined : brokerClientOf(stage);
    };
    const [from, to] = [of(source), of(sink)];
    const client = from ?? to;
    const queue = this.#file.stages[source]?.config?.task_queue;
    if (from !== undefined && to !== undefined && urlOf(from) !== urlOf(to)) {
      const text = `results go to the broker of the source (${urlOf(from)}), not to ${urlOf(to)}`;
      this.#warn(["stages", sink, "config", "broker_client"], text);
    }
    this.#move(
      ["broker"],
      ["stages", from === undefined ? sink : source, "config", "broker_client"],
    );
    this.#move(["taskQueue"], ["stages", source, "config", "task_queue"]);
    return {
      ...(client !== undefined && { broker: urlOf(client) }),
      ...(typeof queue === "string" && { taskQueue: queue }),
    };
  }

  #stages(): Record<string, unknown>[] {
    const removed = new Map(
      this.#file.stages.flatMap(({ name, runs_after: after }, index) =>
        this.#roles[index] === "missing" ? [[name, after] as const] : [],
      ),
    );
    const made: Record<string, unknown>[] = [];
    for (const [index, stage] of this.#file.stages.entries()) {
      const role = this.#roles[index] as Role;
      const old: Path = ["stages", index];
      if (role === "missing") this.#warnOfStage(stage, old);
      if (typeof role === "string") continue;
      const path: Path = ["stages", made.length];
      this.#move(path, old);
      this.#move(
        [...path, "use"],
        [...old, typeof stage.actor === "string" ? "actor" : "callable"],
      );
      this.#move([...path, "concurrency"], [...old, "replicas"]);
      this.#move([...path, "runsAfter"], [...old, "runs_after"]);
      const own = KNOWN_STAGES.has(role.use) ? {} : (stage.config ?? {});
      this.#warnOfConfig(stage, role.use, old);
      const runsAfter = bridgedRunsAfter(stage.runs_after, removed)
        .filter((name) => this.#endNamed(name) !== "sink")
        .map((name) => this.#endNamed(name) ?? name);
      made.push({
        name: stage.name,
        use: role.use,
        ...(Object.keys(own).length > 0 && { config: own }),
        ...(!stage.enabled && { enabled: false }),
        ...(stage.replicas && { concurrency: this.#concurrency(stage.replicas) }),
        ...(runsAfter.length > 0 && { runsAfter }),
        ...this.#inbox(stage.name, path),
      });
    }
    return made;
  }

  #concurrency(replicas: NonNullable<UpstreamStage["replicas"]>) {
    const isDynamic = this.#file.pipeline?.disable_dynamic_scaling !== true;
    return concurrencyOf(replicas, isDynamic, this.#machine);
  }

  /** The line before a stage is as long as those of its edges. */
  #inbox(name: string, path: Path): { inbox?: { maxMessages: number } } {
    const into = this.#file.edges.findIndex(({ to }) => to === name);
    const sizes = this.#file.edges.filter(({ to }) => to === name).map((edge) => edge.queue_size);
    if (sizes.length === 0) return {};
    this.#move([...path, "inbox", "maxMessages"], ["edges", into, "queue_size"]);
    return { inbox: { maxMessages: Math.min(Math.max(...sizes), QUEUE_MAX) } };
  }

  #edges(): EdgeDefinition[] {
    const missing = this.#file.stages.filter((_, index) => this.#roles[index] === "missing");
    const edges = this.#file.edges.map(({ from, to }) => ({ from, to }));
    const bridged = bridgedEdges(edges, new Set(missing.map(({ name }) => name)));
    const renamed = (edge: EdgeDefinition) => ({
      from: this.#endNamed(edge.from) ?? edge.from,
      to: this.#endNamed(edge.to) ?? edge.to,
    });
    // What came behind the sink has no message any more.
    const kept = bridged.map(renamed).filter(({ from }) => from !== "sink");
    const written = edges.map((edge) => JSON.stringify(renamed(edge)));
    for (const [index, edge] of kept.entries()) {
      const old = written.indexOf(JSON.stringify(edge));
      this.#move(["edges", index], old < 0 ? ["edges"] : ["edges", old]);
    }
    return kept;
  }

  #endNamed(name: string): "source" | "sink" | undefined {
    const index = this.#file.stages.findIndex((stage) => stage.name === name);
    const role = this.#roles[index];
    return role === "source" || role === "sink" ? role : undefined;
  }

  #warnOfStage({ name, enabled, actor, callable }: UpstreamStage, path: Path): void {
    const kind = lastModule(actor ?? "");
    const elsewhere = DONE_ELSEWHERE.get(kind) ?? DONE_ELSEWHERE.get(name);
    if (!enabled || elsewhere === "") return;
    const what = actor ?? callable ?? "nothing that runs";
    const reason = elsewhere ?? "jobs go by where it stood";
    this.#warn(path, `stage ${quote(name)} (${what}) is not available here: ${reason}`);
  }

  #warnOfConfig({ name, config, task_filters: filters }: UpstreamStage, use: string, path: Path) {
    const keys = Object.keys(config ?? {});
    if (KNOWN_STAGES.has(use) && keys.length > 0) {
      const text = `its options are not available here: ${keys.join(", ")}`;
      this.#warn([...path, "config"], `stage ${quote(name)}: ${text}`);
    }
    if (filters !== null && filters !== undefined && filters.length > 0) {
      const text = `stage ${quote(name)}: task filters are not available here`;
      this.#warn([...path, "task_filters"], text);
    }
  }

  #warnOfSettings(): void {
    const {
      launch_simple_broker: launches,
      disable_dynamic_scaling: _,
      ...rest
    } = this.#file.pipeline ?? {};
    for (const [key, value] of Object.entries(rest)) {
      if (value !== undefined) this.#warn(["pipeline", key], `${quote(key)} is not available here`);
    }
    if (launches !== true) return;
    const text = '"launch_simple_broker" has no effect: `millrace serve` runs broker and pipeline';
    this.#warn(["pipeline", "launch_simple_broker"], text);
  }

  #warn(path: Path, text: string): void {
    this.#warnings.push({ path, at: "value", text });
  }

  #move(path: Path, from: Path): void {
    this.#moved.push([path, from]);
  }

  #placeOf(path: Path): Path {
    const fits = this.#moved.filter(([prefix]) =>
      prefix.every((key, index) => path[index] === key),
    );
    const best = fits.sort(([a], [b]) => b.length - a.length)[0];
    return best === undefined ? path : [...best[1], ...path.slice(best[0].length)];
  }
}

/** What a stage of upstream is here. */
function roleOf(stage: UpstreamStage): Role {
  const { actor, callable, type, name } = stage;
  const module = lastModule(actor ?? "");
  if (type === "source") return "source";
  if (brokerClientOf(stage) !== undefined || module === "message_broker_task_sink") return "sink";
  const known = [module, name].find((each) => KNOWN_STAGES.has(each));
  if (known !== undefined && typeof actor === "string") return { use: known };
  // A callable of Python cannot run here; one that is written as ours are can.
  return typeof callable === "string" && callable.includes("#") ? { use: callable } : "missing";
}

/** `pdf_extractor` of `some.package.pdf_extractor:PdfStage`. */
function lastModule(actor: string): string {
  return actor.split(":")[0]?.split(".").at(-1) ?? "";
}

function urlOf({ client_type: type, host, port }: UpstreamBrokerClient): string {
  const scheme = type === "redis" ? "redis" : "simple";
  const named = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${named}${port === null || port === undefined ? "" : `:${port}`}`;
}

function isChain(
  edges: readonly EdgeDefinition[],
  stages: readonly Readonly<Record<string, unknown>>[],
): boolean {
  const names = ["source", ...stages.map(({ name }) => name), "sink"];
  const chain = names.slice(1).map((to, index) => ({ from: names[index], to }));
  return edges.length === 0 || JSON.stringify(edges) === JSON.stringify(chain);
}
