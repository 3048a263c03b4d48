/** How a package or a file offers stages: by name, with a schema of their options. */
import { z } from "zod";
import { type Logger, quote } from "../core/index.js";
import { LoadErrors } from "./load-errors.js";
import type { ProcessingFunction, Stage } from "./stage.js";

/** What a factory may use. */
export interface StageSetup<Options> {
  /** The name of the stage in its pipeline; what is returned gets it, whatever its own is. */
  readonly name: string;
  /** Checked by the schema of the stage, defaults filled in. */
  readonly options: Options;
  readonly logger: Logger;
}

/** One kind of stage that a plugin offers. */
export interface StageKind<Schema extends z.ZodType = z.ZodType> {
  /** One sentence for `millrace plugins`. */
  readonly about: string;
  /** Without it the stage takes no options, and any that are given are an error. */
  readonly options?: Schema;
  /** See `Stage.version`. */
  readonly version?: string;
  /** Makes one stage of this kind; called once per pipeline, and in each thread that runs it. */
  create(setup: StageSetup<z.output<Schema>>): Omit<Stage, "name"> | ProcessingFunction;
}

export interface Plugin {
  /** Letters, digits, ".", "-", "_", "/" and "@": the name of its package, mostly. */
  readonly name: string;
  readonly version?: string;
  readonly stages: Readonly<Record<string, StageKind>>;
}

/** A plugin as it is written: each `create` gets the options that the schema beside it makes. */
export interface PluginDefinition<Options extends Record<string, unknown>> {
  readonly name: string;
  readonly version?: string;
  /** Each as `StageKind`; spelled out, since the compiler infers nothing through that name. */
  readonly stages: {
    readonly [Kind in keyof Options]: {
      readonly about: string;
      readonly options?: z.ZodType<Options[Kind]>;
      readonly version?: string;
      readonly create: (
        setup: StageSetup<Options[Kind]>,
      ) => Omit<Stage, "name"> | ProcessingFunction;
    };
  };
}

const name = (pattern: RegExp, meaning: string) =>
  z.string().max(214).regex(pattern, `must be ${meaning}`);

const someFunction = () =>
  z.custom<(...given: never) => unknown>(
    (value) => typeof value === "function",
    "must be a function",
  );

/** A schema by what it can do, not by its class: a plugin may have a zod of its own. */
const schema = () =>
  z.custom<z.ZodType>(
    (value) => typeof (value as z.ZodType | null | undefined)?.safeParse === "function",
    "must be a zod schema",
  );

const PluginShape = z.looseObject({
  name: name(/^[\w@./-]+$/, 'letters, digits, ".", "-", "_", "/" and "@"'),
  version: z.string().max(100).optional(),
  stages: z
    .record(
      name(/^[\w.-]+$/, 'named by letters, digits, ".", "-" and "_"'),
      z.looseObject({
        about: z.string().min(1, "must say what the stage does"),
        options: schema().optional(),
        version: z.string().max(100).optional(),
        create: someFunction(),
      }),
    )
    .refine((stages) => Object.keys(stages).length > 0, "must have at least one stage"),
});

/**
 * Checks a plugin and returns it as it is. Types follow from the schemas:
 *
 * ```ts
 * export default definePlugin({
 *   name: "redact",
 *   stages: {
 *     words: {
 *       about: "Replaces words.",
 *       options: z.strictObject({ words: z.array(z.string()) }),
 *       create: ({ options }) => (message) => redact(message, options.words),
 *     },
 *   },
 * });
 * ```
 * @throws PIPELINE_PLUGIN_INVALID with all faults at once.
 */
export function definePlugin<Options extends Record<string, unknown>>(
  plugin: PluginDefinition<Options>,
): Plugin {
  const faults = pluginFaults(plugin);
  if (faults.length === 0) return plugin as unknown as Plugin;
  throw LoadErrors.PLUGIN_INVALID({ plugin: nameOf(plugin), faults });
}

/** What is wrong with the shape of a plugin, each with its path. */
function pluginFaults(plugin: unknown): string[] {
  const parsed = PluginShape.safeParse(plugin);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message, ...issue }) => {
    // A record's issue with a key hides what is wrong with it one level down.
    const inner = "issues" in issue ? (issue.issues as z.core.$ZodIssue[])[0] : undefined;
    return `${path.length === 0 ? "plugin" : `"${path.join(".")}"`}: ${inner?.message ?? message}`;
  });
}

function nameOf(plugin: unknown): string {
  const given = (plugin as { name?: unknown } | null | undefined)?.name;
  return typeof given === "string" ? quote(given) : "without a name";
}
