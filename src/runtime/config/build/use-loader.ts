/**
 * Finds what `use` names and makes a stage of it. Nothing is loaded but built-in stages and the modules
 * that the definition names: as a plugin, or in a `use`.
 */
import {
  type Logger,
  MillraceError,
  nearestKey,
  OptionErrors,
  parseOptions,
} from "../../../core/index.js";
import {
  loadPlugin,
  loadStage,
  parseStageAddress,
  renameStage,
  type Stage,
  type StageAddress,
  threadStage,
} from "../../../pipeline/index.js";
import type { StageConfigs } from "../../../stages/index.js";
import type { WorkerPool } from "../../../workers/index.js";
import { KNOWN_STAGES } from "../definition/known-stages.js";
import type { Use } from "../definition/pipeline-definition.js";

export interface UseMeans {
  /** Where paths and packages are looked for: a file, or a folder with a slash at its end. */
  readonly base: URL;
  /** For stages in threads and for built-in ones; the loader neither starts nor closes it. */
  readonly pool: WorkerPool;
  readonly settings: StageConfigs;
  readonly logger: Logger;
}

/** One use of something. */
export interface UseSetup {
  readonly name: string;
  readonly use: Use;
  readonly config: Readonly<Record<string, unknown>>;
  readonly runOn: "main" | "thread";
}

/** A stage under its name in the pipeline, and its options, checked. */
export interface UsedStage {
  readonly stage: Stage;
  readonly config: Readonly<Record<string, unknown>>;
}

export class UseLoader {
  readonly #means: UseMeans;
  /** Kinds of stages that plugins offer, with the addresses that stand for them. */
  readonly #kinds = new Map<string, string[]>();
  #hasLostPlugin = false;

  constructor(means: UseMeans) {
    this.#means = means;
  }

  /**
   * Loads a plugin, whose stages can be used by their bare names from then on.
   *
   * @throws PIPELINE_STAGE_ADDRESS_INVALID, PIPELINE_STAGE_MODULE_NOT_FOUND, …_MODULE_FAILED,
   *   PIPELINE_PLUGIN_INVALID; OPTIONS_INVALID when the module is no plugin.
   */
  async addPlugin(name: string): Promise<void> {
    try {
      await this.#addPlugin(name);
    } catch (error) {
      this.#hasLostPlugin = true;
      throw error;
    }
  }

  async #addPlugin(name: string): Promise<void> {
    const plugin = await loadPlugin(parseStageAddress(name, this.#means.base));
    if (plugin === undefined) {
      const faults = [
        "it exports no plugin as default or `plugin`; a module of functions needs none",
      ];
      throw OptionErrors.INVALID({ what: name, faults });
    }
    for (const kind of Object.keys(plugin.stages)) {
      this.#kinds.set(kind, [...(this.#kinds.get(kind) ?? []), `${name}#${kind}`]);
    }
  }

  /**
   * A stage in a thread has been loaded there once, so that what is wrong with it is told now.
   *
   * @throws OPTIONS_INVALID and what `loadStage` throws.
   */
  async load({ name, use, config, runOn }: UseSetup): Promise<UsedStage> {
    const { pool, settings, logger } = this.#means;
    if (typeof use !== "string") return { stage: ofCode({ name, use, runOn }), config };
    const known = KNOWN_STAGES.get(use);
    if (known !== undefined) {
      parseOptions(known.options, config, `stage ${name}`);
      return { stage: known.create({ name, config, settings, pool, logger }), config };
    }
    const address = this.#addressOf(use);
    if (runOn === "main") {
      const loaded = await loadStage({ ...address, name, config, logger });
      return { stage: loaded.stage, config: loaded.config };
    }
    const stage = threadStage({ ...address, name, config, pool });
    await stage.start?.();
    return { stage, config };
  }

  /** A bare name is a stage of a plugin before it is a package. */
  #addressOf(use: string): StageAddress {
    const { base } = this.#means;
    const offered = this.#kinds.get(use) ?? [];
    if (offered.length > 1) {
      const faults = [`several plugins offer it; write ${offered.join(" or ")}`];
      throw OptionErrors.INVALID({ what: use, faults });
    }
    if (offered[0] !== undefined) return parseStageAddress(offered[0], base);
    try {
      return parseStageAddress(use, base);
    } catch (error) {
      const nearest = nearestKey(use, [...KNOWN_STAGES.keys(), ...this.#kinds.keys()]);
      const isLost = this.#hasLostPlugin && /^[\w-]+$/.test(use);
      if (!(error instanceof MillraceError) || (nearest === undefined && !isLost)) throw error;
      // Mostly the plugin is to blame, which has a fault of its own.
      const reason = isLost ? "; a plugin that could not be loaded may offer it" : "";
      const hint = nearest === undefined ? "" : `, did you mean "${nearest}"?`;
      const message = `${error.message}${reason}${hint}`;
      throw new MillraceError({ ...error.toJSON(), message }, error);
    }
  }
}

function ofCode({ name, use, runOn }: Omit<UseSetup, "config">): Stage {
  if (runOn === "thread") {
    const faults = ['"runOn": a function or stage of code cannot go to a thread; name its file'];
    throw OptionErrors.INVALID({ what: `stage ${name}`, faults });
  }
  if (typeof use === "function") return { name, process: use };
  const stage = use as Stage;
  return stage.name === name ? stage : renameStage(stage, name);
}
