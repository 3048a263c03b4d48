/**
 * Turns an address into a stage: loads the module, takes what the address names and checks the options
 * by its schema. It runs on the main thread and in the threads of stages alike, and loads nothing but
 * what it is told.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import {
  type Logger,
  messageOf,
  nearestKey,
  parseOptions,
  settlesWithin,
  silentLogger,
} from "../core/index.js";
import { LOAD_MS, LoadErrors } from "./load-errors.js";
import { definePlugin, type Plugin, type StageKind } from "./plugin.js";
import { renameStage } from "./rename-stage.js";
import type { ProcessingFunction, Stage } from "./stage.js";
import type { StageAddress } from "./stage-address.js";

export interface StageSource extends StageAddress {
  /** The name of the stage in its pipeline, whatever its own is. */
  readonly name: string;
  /** Checked by the schema of a plugin's stage; what has no schema gets it as it is. */
  readonly config?: unknown;
  readonly logger?: Logger;
}

export interface LoadedStage {
  readonly stage: Stage;
  /** For `StageContext.config`: checked, defaults filled in. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it is a stage of a plugin. */
  readonly plugin?: Plugin;
  readonly kind?: string;
}

/**
 * Loads a stage. What the address may name: a function, an object with `process` (and `processBatch`),
 * or a stage of the plugin that the module exports as `default` or `plugin`. Without a name it is the
 * default export, or the only stage of the plugin.
 *
 * @throws PIPELINE_STAGE_MODULE_NOT_FOUND, …_MODULE_FAILED, …_EXPORT_MISSING, …_EXPORT_INVALID,
 *   PIPELINE_PLUGIN_INVALID, OPTIONS_INVALID
 */
export async function loadStage(source: StageSource): Promise<LoadedStage> {
  const module = await importModule(source);
  const plugin = pluginOf(module, source);
  const kind = plugin === undefined ? undefined : kindOf(plugin, module, source);
  if (plugin === undefined || kind === undefined) {
    const config = parseOptions(FreeConfig, source.config, `stage ${source.name}`);
    return { stage: named(exportOf(module, plugin, source), source, undefined), config };
  }
  return { ...(await createStage(plugin.stages[kind] as StageKind, source)), plugin, kind };
}

/** The plugin of a module, for lists of what there is; undefined when it exports none. */
export async function loadPlugin(address: StageAddress): Promise<Plugin | undefined> {
  return pluginOf(await importModule(address), address);
}

type Module = Readonly<Record<string, unknown>>;

async function importModule({ use, file }: StageAddress): Promise<Module> {
  const path = fileURLToPath(file);
  if (!existsSync(path)) {
    const problem = `${path} does not exist${hint(basename(path), namesBeside(path))}`;
    throw LoadErrors.STAGE_MODULE_NOT_FOUND({ use, problem });
  }
  return (await inTime(use, () => import(file.href))) as Module;
}

/**
 * What the operator's code makes while it is loaded, which may never come: a thread would be waited for
 * in vain, and the process would end without a word.
 */
async function inTime<T>(use: string, work: () => T | Promise<T>): Promise<T> {
  const made = (async () => work())();
  try {
    if (await settlesWithin(made, LOAD_MS)) return await made;
  } catch (cause) {
    throw LoadErrors.STAGE_MODULE_FAILED({ use, problem: messageOf(cause) }, cause);
  }
  throw LoadErrors.STAGE_MODULE_FAILED({ use, problem: `it took more than ${LOAD_MS} ms` });
}

function namesBeside(path: string): string[] {
  try {
    return readdirSync(dirname(path));
  } catch {
    return [];
  }
}

function hint(name: string, known: readonly string[]): string {
  const nearest = nearestKey(name, known);
  return nearest === undefined ? "" : `, did you mean "${nearest}"?`;
}

function pluginOf(module: Module, { use }: StageAddress): Plugin | undefined {
  const found = [module.default, module.plugin].find(looksLikePlugin);
  if (found === undefined) return undefined;
  try {
    // A module of another copy of this package, or in plain JavaScript, may not have asked before.
    return definePlugin(found);
  } catch (cause) {
    throw LoadErrors.PLUGIN_INVALID({ plugin: `of ${use}`, faults: [messageOf(cause)] }, cause);
  }
}

function looksLikePlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "stages" in value;
}

/** The plugin's stage that is meant, or undefined when an export of the module is. */
function kindOf(plugin: Plugin, module: Module, address: StageAddress): string | undefined {
  const { use, exportName } = address;
  const kinds = Object.keys(plugin.stages);
  if (exportName !== undefined)
    return Object.hasOwn(plugin.stages, exportName) ? exportName : undefined;
  if (kinds.length === 1) return kinds[0];
  if (!looksLikePlugin(module.default) && module.default !== undefined) return undefined;
  const problem = "is a plugin with several stages; name one of them behind a #";
  throw LoadErrors.STAGE_EXPORT_MISSING({ use, problem, exports: kinds });
}

function exportOf(module: Module, plugin: Plugin | undefined, { use, exportName }: StageAddress) {
  const name = exportName ?? "default";
  if (Object.hasOwn(module, name)) return module[name];
  const known = [...Object.keys(plugin?.stages ?? {}), ...Object.keys(module)];
  const problem = `has no ${name === "default" ? "default export" : `"${name}"`}${hint(name, known)}`;
  throw LoadErrors.STAGE_EXPORT_MISSING({ use, problem, exports: known });
}

/** What has no schema may be given anything that has names. */
const FreeConfig = z.record(z.string(), z.unknown());
const NO_OPTIONS = z.strictObject({});

async function createStage(kind: StageKind, source: StageSource): Promise<LoadedStage> {
  const { name, use, logger = silentLogger } = source;
  const what = `stage ${name} (${use})`;
  const options: unknown = parseOptions(kind.options ?? NO_OPTIONS, source.config, what);
  const made: unknown = await inTime(use, () => kind.create({ name, options, logger }));
  return { stage: named(made, source, kind.version), config: options as LoadedStage["config"] };
}

/** The stage under the name it has in its pipeline. */
function named(made: unknown, { name, use }: StageSource, version: string | undefined): Stage {
  if (typeof made === "function" && /^class\b/.test(Function.prototype.toString.call(made))) {
    throw LoadErrors.STAGE_EXPORT_INVALID({ use, problem: "is a class" });
  }
  const given: Partial<Stage> =
    typeof made === "function" ? { process: made as ProcessingFunction } : Object(made);
  if (typeof given.process !== "function") {
    const problem = made === null ? "is null" : `is ${typeof made} without process()`;
    throw LoadErrors.STAGE_EXPORT_INVALID({ use, problem });
  }
  const stage = renameStage(given as Stage, name);
  return stage.version === undefined && version !== undefined ? { ...stage, version } : stage;
}
