/** What a command is. Commands know neither commander nor the process; `program.ts` runs them. */
import { z } from "zod";
import type { Logger } from "../core/index.js";
import type { PipelineFile } from "../runtime/index.js";
import type { FileOptions } from "./config-file.js";
import type { ExitCode } from "./exit-codes.js";
import { createLogger, logOptions } from "./logging.js";
import type { Output } from "./output.js";
import type { StopRequest } from "./signals.js";
import { hasStatusLine } from "./status-line.js";

/** What a command may use. */
export interface CommandContext {
  /** What stands on the command line besides options. */
  readonly operands: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly stop: StopRequest;
  readonly logger: Logger;
  /** The file of `--config`, where the command has that option and it was given. */
  readonly pipeline?: PipelineFile | undefined;
  /** Whether somebody watches who wants to see more than the log: a terminal, no JSON, not quiet. */
  readonly showsStatus: boolean;
}

interface Definition<S extends z.ZodObject> {
  /** Sentences for the top of the help. */
  readonly about: string;
  readonly options: S;
  /** Headings of the help and the members below them; members that are missing come last. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Lines that can be copied, each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** Names and descriptions of operands: `PATHS...` takes several, `[JOB]` may be left out. */
  readonly operands?: readonly (readonly [string, string])[];
  /** For commands with the option of `CONFIG_OPTION`. */
  readonly fileOptions?: FileOptions;
  readonly run: (config: z.output<S>, context: CommandContext) => Promise<ExitCode>;
}

/** A command whose configuration's type is its own business. */
export interface Command extends Omit<Definition<z.ZodObject>, "run"> {
  run(config: unknown, context: Omit<CommandContext, "logger" | "showsStatus">): Promise<ExitCode>;
}

/** Members that the options of all commands have. */
export function commonOptions(level: Parameters<typeof logOptions>[0]) {
  return {
    json: z.boolean().default(false).describe("Answer in JSON on standard output."),
    ...logOptions(level),
  };
}

export const COMMON_GROUP = { "Output and logging:": ["json", "logLevel", "logFormat"] } as const;

type CommonShape = ReturnType<typeof commonOptions>;

/** @param definition its options are those of `commonOptions` and the command's own. */
export function defineCommand<S extends z.ZodObject<CommonShape & z.ZodRawShape>>(
  definition: Definition<S>,
): Command {
  return {
    ...definition,
    run(config, context) {
      const known = config as z.output<S>;
      const common = known as z.output<z.ZodObject<CommonShape>>;
      const logger = createLogger(common);
      const isCalm = common.logLevel === "info" || common.logLevel === "debug";
      const isForPeople = !common.json && common.logFormat !== "json" && isCalm;
      return definition.run(known, {
        ...context,
        logger,
        showsStatus: isForPeople && hasStatusLine(),
      });
    },
  };
}
