/** Makes of a definition what the engine takes: stages with their options, and edges. */
import {
  hasCode,
  type Logger,
  messageOf,
  OptionErrors,
  silentLogger,
} from "../../../core/index.js";
import {
  type Edge,
  type ProcessingFunction,
  type Stage,
  StageOptions,
  type StageWithOptions,
} from "../../../pipeline/index.js";
import {
  type StageConfigs,
  type UdfFunctions,
  type UdfOptions,
  withUdf,
} from "../../../stages/index.js";
import type { WorkerPool } from "../../../workers/index.js";
import { RuntimeErrors } from "../../errors.js";
import { BuiltInSettings } from "../../local-pipeline-settings.js";
import type { Fault } from "../definition/fault.js";
import { KNOWN_STAGES } from "../definition/known-stages.js";
import type { DefinedPipeline, DefinedStage, Use } from "../definition/pipeline-definition.js";
import { fileFaultText, type NamedPipeline } from "../named-pipeline.js";
import { bridgedEdges, bridgedRunsAfter } from "./bridge.js";
import { UseLoader } from "./use-loader.js";

/** What the caller has, and what holds instead of the definition's own values. */
export interface BuildMeans {
  /** Neither started nor closed here. */
  readonly pool: WorkerPool;
  readonly logger?: Logger;
  /** Of the built-in stages. */
  readonly settings?: StageConfigs;
  readonly udfPolicy?: UdfOptions["policy"];
  /** Functions of code, beside those of the definition. */
  readonly udf?: UdfFunctions;
  /** Whether there is a store of checkpoints. */
  readonly keepsCheckpoints?: boolean;
}

/** Parts of a `Pipeline` whose source is named "source" and whose sink is named "sink". */
export interface BuiltPipeline {
  readonly stages: readonly StageWithOptions[];
  readonly edges: readonly Edge[];
}

export interface BuildOutcome {
  /** Where something could not be loaded, a stage of its name that does nothing stands for it. */
  readonly parts: BuiltPipeline;
  readonly faults: readonly Fault[];
}

/**
 * Loads what the definition names, and nothing else. Disabled stages are left out, those around them
 * joined.
 *
 * @throws RUNTIME_PIPELINE_INVALID with the faults of all modules and stages at once; OPTIONS_INVALID for
 *   the functions of `means.udf`.
 */
export async function buildPipeline(
  pipeline: NamedPipeline,
  means: BuildMeans,
): Promise<BuiltPipeline> {
  const { parts, faults } = await tryBuildPipeline(pipeline, means);
  if (faults.length === 0) return parts;
  const texts = faults.map((fault) => fileFaultText(pipeline.locate(fault)));
  throw RuntimeErrors.PIPELINE_INVALID({ what: pipeline.file, faults: texts });
}

/** As `buildPipeline`, but faults are returned, for those who list them. */
export async function tryBuildPipeline(
  pipeline: Pick<NamedPipeline, "definition" | "base">,
  means: BuildMeans,
): Promise<BuildOutcome> {
  const builder = new Builder(pipeline, means);
  return { parts: await builder.build(), faults: builder.faults };
}

class Builder {
  readonly faults: Fault[] = [];
  readonly #definition: DefinedPipeline;
  readonly #means: BuildMeans;
  readonly #loader: UseLoader;

  constructor({ definition, base }: Pick<NamedPipeline, "definition" | "base">, means: BuildMeans) {
    const { pool, logger = silentLogger, settings = BuiltInSettings.parse(definition) } = means;
    this.#definition = definition;
    this.#means = means;
    this.#loader = new UseLoader({ base, pool, settings, logger });
  }

  async build(): Promise<BuiltPipeline> {
    for (const [index, plugin] of this.#definition.plugins.entries()) {
      await this.#told(["plugins", index], () => this.#loader.addPlugin(plugin));
    }
    const stages = await this.#stages();
    const udf = await this.#udf();
    const disabled = this.#definition.stages.filter(({ enabled }) => !enabled);
    const edges = bridgedEdges(this.#definition.edges, new Set(disabled.map(({ name }) => name)));
    const plain = stages.map(({ stage }) => stage);
    // The definition's own names are checked: what is wrong here is wrong in the caller's functions.
    const [guard, ...others] = withUdf(plain, udf) as [Stage, ...Stage[]];
    // Behind the stages there may be one more, for what runs at the end.
    const end = others[stages.length];
    return {
      stages: [{ stage: guard }, ...others.map((stage, index) => ({ ...stages[index], stage }))],
      edges: end === undefined ? behind(edges, guard) : before(behind(edges, guard), end),
    };
  }

  async #stages(): Promise<BuiltStage[]> {
    const { stages } = this.#definition;
    const removed = new Map(
      stages.flatMap(({ name, enabled, runsAfter }) => (enabled ? [] : [[name, runsAfter]])),
    );
    const built: BuiltStage[] = [];
    for (const [index, defined] of stages.entries()) {
      if (!defined.enabled) continue;
      const path = ["stages", index, "use"];
      const loaded = await this.#told(path, () => this.#loader.load(defined));
      const used = loaded ?? { stage: placeholder(defined.name), config: {} };
      const runsAfter = bridgedRunsAfter(defined.runsAfter, removed);
      built.push({
        ...stageOptionsOf(defined),
        ...used,
        runsAfter,
        checkpoint: this.#keeps(defined),
      });
    }
    return built;
  }

  /** What is costly is kept unless the definition says no; without a store there is nothing to keep. */
  #keeps({ checkpoint, use }: DefinedStage): boolean {
    if (this.#means.keepsCheckpoints !== true) return false;
    return checkpoint ?? (typeof use === "string" && KNOWN_STAGES.get(use)?.isCostly === true);
  }

  async #udf(): Promise<UdfOptions> {
    const { registry, hooks, phases, policy, version } = this.#definition.udf;
    const functions: [string, ProcessingFunction][] = [];
    for (const [name, use] of Object.entries(registry)) {
      const run = await this.#function(name, use, ["udf", "registry", name]);
      if (run !== undefined) functions.push([name, run]);
    }
    const around: [string, object][] = [];
    for (const [stage, { before, after }] of this.#ofEnabled(hooks)) {
      const path = ["udf", "hooks", stage];
      const first =
        before && (await this.#function(`before_${stage}`, before, [...path, "before"]));
      const last = after && (await this.#function(`after_${stage}`, after, [...path, "after"]));
      around.push([stage, { ...(first && { before: first }), ...(last && { after: last }) }]);
    }
    const { registry: ofCode, hooks: hooksOfCode, ...rest } = this.#means.udf ?? {};
    return {
      version,
      phases: Object.fromEntries(this.#ofEnabled(phases)),
      ...rest,
      policy: this.#means.udfPolicy ?? policy,
      registry: { ...Object.fromEntries(functions), ...ofCode },
      hooks: { ...Object.fromEntries(around), ...hooksOfCode },
    };
  }

  /** What is said of a stage that is switched off counts for nothing. */
  #ofEnabled<T>(byStage: Readonly<Record<string, T>>): [string, T][] {
    const { stages } = this.#definition;
    const disabled = new Set(stages.flatMap(({ name, enabled }) => (enabled ? [] : name)));
    return Object.entries(byStage).filter(([stage]) => !disabled.has(stage));
  }

  async #function(
    name: string,
    use: Use,
    path: Fault["path"],
  ): Promise<ProcessingFunction | undefined> {
    const setup = { name, use, config: {}, runOn: "main" } as const;
    const used = await this.#told(path, () => this.#loader.load(setup));
    if (used === undefined) return undefined;
    const { stage, config } = used;
    return (message, context) => stage.process(message, { ...context, config });
  }

  /** What `work` gives, or undefined and a fault at `path`. */
  async #told<T>(path: Fault["path"], work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.faults.push(...faultsOf(error, path));
      return undefined;
    }
  }
}

/** It never runs: there are faults. */
function placeholder(name: string): Stage {
  return { name, process: (message) => message, processBatch: (messages) => messages };
}

/** Faults of a stage's own options stand where the options do. */
function faultsOf(error: unknown, path: Fault["path"]): Fault[] {
  const isOfOptions = hasCode(error, OptionErrors.INVALID.code) && path[0] === "stages";
  const { faults } = (error as { details?: { faults?: readonly string[] } }).details ?? {};
  if (!isOfOptions || faults === undefined) return [{ path, at: "value", text: messageOf(error) }];
  const config = [...path.slice(0, -1), "config"];
  return faults.flatMap((fault): Fault[] => {
    const [, unknown] = /^unknown option "([^".]+)"/.exec(fault) ?? [];
    if (unknown !== undefined) return [{ path: [...config, unknown], at: "key", text: fault }];
    const [, name, text = fault] = /^"([^"]+)": (?:Invalid input: )?(.*)$/s.exec(fault) ?? [];
    // Not one of the stage's options, but of what the definition says of it.
    if (name === undefined || name === "runOn") {
      return [{ path, at: "value", text: messageOf(error) }];
    }
    return [{ path: [...config, ...name.split(".")], at: "value", text }];
  });
}

type BuiltStage = StageWithOptions & { readonly stage: Stage };

const OPTION_KEYS: ReadonlySet<string> = new Set(Object.keys(StageOptions.shape));

function stageOptionsOf(defined: DefinedStage): StageOptions {
  return Object.fromEntries(Object.entries(defined).filter(([key]) => OPTION_KEYS.has(key)));
}

/** With a stage between the source and all that the source led to. */
function behind(edges: readonly Edge[], { name }: Stage): Edge[] {
  if (edges.length === 0) return [];
  const moved = edges.map(({ from, to }) => ({ from: from === "source" ? name : from, to }));
  return [{ from: "source", to: name }, ...moved];
}

/** With a stage between all that led to the sink and the sink. */
function before(edges: readonly Edge[], { name }: Stage): Edge[] {
  if (edges.length === 0) return [];
  const moved = edges.map(({ from, to }) => ({ from, to: to === "sink" ? name : to }));
  return [...moved, { from: name, to: "sink" }];
}
