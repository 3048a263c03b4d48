/** Lists what a pipeline file can use: the plugins and files that it names, or the built-in stages. */
import { z } from "zod";
import { messageOf } from "../../core/index.js";
import { loadPlugin, loadStage, parseStageAddress } from "../../pipeline/index.js";
import { KNOWN_STAGES } from "./definition/known-stages.js";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import { readPipelineFile } from "./read-pipeline-file.js";
import type { Environment } from "./text/substitute.js";

export interface ListedOption {
  readonly name: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly about?: string;
}

export interface ListedStage {
  /** What `use` of a pipeline file says for it. */
  readonly use: string;
  readonly about?: string;
  readonly version?: string;
  readonly options: readonly ListedOption[];
}

/** One module: a plugin, or a file of functions with those that are used of it. */
export interface StageListing {
  readonly module: string;
  /** Of a plugin. */
  readonly name?: string;
  readonly version?: string;
  readonly stages: readonly ListedStage[];
  /** Why it cannot be loaded. */
  readonly fault?: string;
}

/**
 * @param file without it the built-in stages.
 * @throws RUNTIME_PIPELINE_INVALID, RUNTIME_PIPELINE_FILE_UNREADABLE
 */
export async function listStages(
  file: string | undefined,
  environment: Environment,
): Promise<StageListing[]> {
  if (file === undefined) return [builtIn()];
  const { definition, base } = await readPipelineFile(file, environment);
  const listings: StageListing[] = [];
  const uses = usesOf(definition);
  for (const plugin of definition.plugins) {
    listings.push(await listModule(plugin, uses.get(plugin) ?? [], base));
  }
  const offered = listings.flatMap(({ stages }) => stages.map(({ use }) => use.split("#").at(-1)));
  for (const [module, used] of uses) {
    if (definition.plugins.includes(module) || offered.includes(module)) continue;
    listings.push(await listModule(module, used, base));
  }
  return listings;
}

function builtIn(): StageListing {
  const stages = [...KNOWN_STAGES].map(([use, { about, options }]) => {
    return { use, about, options: optionsOf(options) };
  });
  return { module: "built-in", stages };
}

/** What is used of each module; a bare name may also be a stage of a plugin. */
function usesOf({ stages, udf }: DefinedPipeline): Map<string, string[]> {
  // What is switched off need not be installed.
  const enabled = stages.filter((stage) => stage.enabled);
  const hooks = Object.values(udf.hooks).flatMap(({ before, after }) => [before, after]);
  const modules = new Map<string, string[]>();
  for (const use of [...enabled.map(({ use }) => use), ...Object.values(udf.registry), ...hooks]) {
    if (typeof use !== "string" || KNOWN_STAGES.has(use)) continue;
    const module = use.split("#")[0] as string;
    modules.set(module, [...(modules.get(module) ?? []), use]);
  }
  return modules;
}

async function listModule(
  module: string,
  uses: readonly string[],
  base: URL,
): Promise<StageListing> {
  try {
    const plugin = await loadPlugin(parseStageAddress(module, base));
    if (plugin !== undefined) {
      const { name, version } = plugin;
      const stages = Object.entries(plugin.stages).map(([kind, stage]) => ({
        use: `${module}#${kind}`,
        about: stage.about,
        ...(stage.version !== undefined && { version: stage.version }),
        options: stage.options === undefined ? [] : optionsOf(stage.options),
      }));
      return { module, name, ...(version !== undefined && { version }), stages };
    }
    const stages: ListedStage[] = [];
    for (const use of new Set(uses)) {
      const { stage } = await loadStage({ ...parseStageAddress(use, base), name: use });
      const { version } = stage;
      stages.push({ use, ...(version !== undefined && { version }), options: [] });
    }
    return { module, stages };
  } catch (error) {
    return { module, stages: [], fault: messageOf(error) };
  }
}

interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Property[];
  readonly default?: unknown;
  readonly description?: string;
}

/** A plugin may have a zod of its own, whose schemas ours may not be able to read. */
function optionsOf(schema: z.ZodType): ListedOption[] {
  let properties: Readonly<Record<string, Property>>;
  try {
    const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    properties = (json.properties ?? {}) as Readonly<Record<string, Property>>;
  } catch {
    return [];
  }
  return Object.entries(properties).map(([name, property]) => {
    const { default: standard, description } = property;
    const type = typeOf(property);
    return {
      name,
      ...(type !== undefined && { type }),
      ...(standard !== undefined && { default: standard }),
      ...(description !== undefined && { about: description }),
    };
  });
}

function typeOf({ type, enum: values, anyOf }: Property): string | undefined {
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(" or ");
  if (anyOf === undefined) return type;
  return [...new Set(anyOf.flatMap((form) => typeOf(form) ?? []))].join(" or ") || undefined;
}
