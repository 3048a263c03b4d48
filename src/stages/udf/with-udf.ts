/**
 * User-defined functions: those that the operator registered, run where the `udf` tasks of jobs ask
 * for them, and hooks that run in every job. Nothing that came with a job is ever run. The pipeline
 * knows nothing of it: what it gets are stages.
 */
import { nearestKey, OptionErrors, parseOptions, quote } from "../../core/index.js";
import type { IngestControlMessage } from "../../message/index.js";
import type { ProcessingFunction, Stage } from "../../pipeline/index.js";
import { udfGuard } from "./udf-guard.js";
import { type UdfConfig, UdfOptions } from "./udf-options.js";
import { type Point, UdfPlaces } from "./udf-places.js";
import { udfTasksOf } from "./udf-task.js";
import { type NamedFunction, type Surroundings, wrapStage } from "./wrap-stage.js";

/** Where functions run whose phase comes after all stages. It has no work of its own. */
const END: Stage = { name: "udf_end", accepts: () => false, process: (message) => message };

/**
 * The stages of a chain with functions around them, a guard in front, named `udf`, and when functions
 * are registered one more stage at the end, named `udf_end`.
 *
 * What runs around a stage belongs to it: where its work is kept in a checkpoint, a job that resumes
 * behind it does not need its functions either.
 *
 * The guard fails a job with STAGES_UDF_NOT_REGISTERED or STAGES_UDF_PLACE_UNKNOWN, unless the policy
 * is `ignore`. A function that throws fails its job with STAGES_UDF_FAILED. A task is removed when
 * its function ran.
 * @param stages in the order in which messages come to them
 * @throws OPTIONS_INVALID also when a hook or a phase names a stage that is not there
 */
export function withUdf(stages: readonly Stage[], options: UdfOptions = {}): Stage[] {
  const config = parseOptions(UdfOptions, options, "udf");
  const names = stages.map(({ name }) => name);
  checkNames(config, names);
  const registry: Registry = new Map(Object.entries(config.registry));
  const end = { stage: END.name, when: "before" } as const;
  const places = new UdfPlaces(names, { phases: config.phases, end });
  const hooks = new Map(Object.entries(config.hooks));
  const wrapped = [...stages, ...(registry.size > 0 ? [END] : [])].map((stage) => {
    const { before, after } = hooks.get(stage.name) ?? {};
    const hasHooks = before !== undefined || after !== undefined;
    if (!hasHooks && registry.size === 0) return stage;
    return wrapStage(stage, new Functions(stage.name, { registry, places, before, after }));
  });
  return [udfGuard({ config, registry, places }), ...wrapped];
}

type Registry = ReadonlyMap<string, ProcessingFunction>;

interface Known {
  readonly registry: Registry;
  readonly places: UdfPlaces;
  readonly before: ProcessingFunction | undefined;
  readonly after: ProcessingFunction | undefined;
}

/** What runs around one stage. Hooks are outermost: they see what the functions of jobs made. */
class Functions implements Surroundings {
  readonly #stage: string;
  readonly #known: Known;

  constructor(stage: string, known: Known) {
    this.#stage = stage;
    this.#known = known;
  }

  isWantedBy(message: IngestControlMessage): boolean {
    if (this.#known.before !== undefined || this.#known.after !== undefined) return true;
    if (!message.hasTaskOfType("udf")) return false;
    return this.before(message).length > 0 || this.after(message).length > 0;
  }

  before(message: IngestControlMessage): NamedFunction[] {
    const point = { stage: this.#stage, when: "before" } as const;
    return [...hookAt(point, this.#known.before), ...this.#ofTasks(message, point)];
  }

  after(message: IngestControlMessage): NamedFunction[] {
    const point = { stage: this.#stage, when: "after" } as const;
    return [...this.#ofTasks(message, point), ...hookAt(point, this.#known.after)];
  }

  #ofTasks(message: IngestControlMessage, point: Point): NamedFunction[] {
    return udfTasksOf(message).flatMap(({ id, functionName: name, place }): NamedFunction[] => {
      const run = name === undefined ? undefined : this.#known.registry.get(name);
      if (name === undefined || run === undefined) return [];
      const points = this.#known.places.pointsOf(place);
      if (!points.some((each) => isSame(each, point))) return [];
      const isLast = isSame(points.at(-1) as Point, point);
      return [{ name, point, run, ...(isLast && { done: (result) => result.tryRemoveTask(id) }) }];
    });
  }
}

function hookAt(point: Point, run: ProcessingFunction | undefined): NamedFunction[] {
  return run === undefined ? [] : [{ name: run.name || "hook", point, run }];
}

function isSame(a: Point, b: Point): boolean {
  return a.stage === b.stage && a.when === b.when;
}

function checkNames({ hooks, phases }: UdfConfig, names: readonly string[]): void {
  const faults: string[] = [];
  for (const [option, given] of Object.entries({ hooks, phases })) {
    for (const stage of Object.keys(given).filter((name) => !names.includes(name))) {
      const near = nearestKey(stage, names);
      const hint = near === undefined ? "" : `, did you mean ${quote(near)}?`;
      faults.push(`"${option}": there is no stage ${quote(stage)}${hint}`);
    }
  }
  if (faults.length > 0) throw OptionErrors.INVALID({ what: "udf", faults });
}
