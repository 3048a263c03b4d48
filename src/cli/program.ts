/**
 * The command line: finds the command, reads its options, runs it and turns what happened into an
 * exit code. A command's own file is loaded only when its name is used.
 */
import { Command as Commander, CommanderError } from "commander";
import type { Command } from "./command.js";
import { ExitCode, exitCodeOf } from "./exit-codes.js";
import { openOutput } from "./output.js";
import { Interruption, listenForStop, type StopRequest } from "./signals.js";

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const ENTRIES: readonly Entry[] = [
  {
    name: "quickstart",
    summary: "run the whole chain once, on the documents that come with Millrace",
    load: async () => (await import("./commands/quickstart.js")).quickstart,
  },
  {
    name: "ingest",
    summary: "extract the text of documents and folders into files",
    load: async () => (await import("./commands/ingest.js")).ingest,
  },
  {
    name: "serve",
    summary: "run broker and pipeline together, for clients on the network",
    load: async () => (await import("./commands/serve.js")).serve,
  },
  {
    name: "broker",
    summary: "run the message broker alone",
    load: async () => (await import("./commands/broker.js")).broker,
  },
  {
    name: "pipeline",
    summary: "run a pipeline against a broker that runs already",
    load: async () => (await import("./commands/pipeline.js")).pipeline,
  },
  {
    name: "workers",
    summary: "list who works at a queue on Redis, and what each has in work",
    load: async () => (await import("./commands/workers.js")).workers,
  },
  {
    name: "cancel",
    summary: "end a job wherever it is",
    load: async () => (await import("./commands/cancel.js")).cancel,
  },
  {
    name: "dead",
    summary: "look at jobs that were given up, put them back or drop them",
    load: async () => (await import("./commands/dead.js")).dead,
  },
  {
    name: "config",
    summary: "check and print pipeline files",
    load: async () => (await import("./commands/config.js")).config,
  },
  {
    name: "plugins",
    summary: "list the stages that a pipeline file can use",
    load: async () => (await import("./commands/plugins.js")).plugins,
  },
  {
    name: "version",
    summary: "print the version",
    load: async () => (await import("./commands/version.js")).version,
  },
];

const ABOUT = `Takes documents in as jobs, carries them through a chain of functions and hands
back one result per job. Runs on this machine alone, without any service.`;

const AFTER = `
Examples:
  millrace quickstart                 see it work
  millrace ingest report.pdf          extract one document, result in out/
  millrace ingest docs/ --format md   a whole folder, as Markdown
  millrace serve                      take jobs on port 7671

millrace COMMAND --help tells the options of a command.
`;

interface Run {
  readonly exitCode: ExitCode;
}

/** Runs the command line and returns the exit code. Never rejects. */
export async function runProgram(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ExitCode> {
  const controller = new AbortController();
  const stop = listenForStop(controller);
  const output = openOutput(() => stop.stop(new Interruption("its reader", true)));
  const run: { exitCode: ExitCode } = { exitCode: ExitCode.DONE };
  try {
    const program = await createProgram(argv, async (command, commander, name) => {
      const { runCommand } = await import("./run-command.js");
      const means = { environment, output, stop };
      run.exitCode = await runCommand(command, { commander, name }, means);
    });
    await program.parseAsync(toCommand(argv), { from: "user" });
    return run.exitCode;
  } catch (error) {
    return explain(error, { stop, note: output.note });
  }
}

type Runner = (command: Command, commander: Commander, name: string) => Promise<void>;

async function createProgram(argv: readonly string[], run: Runner): Promise<Commander> {
  const program = new Commander("millrace");
  program
    .description(ABOUT)
    .usage("COMMAND [options]")
    .option("-V, --version", "print the version")
    .addHelpText("after", AFTER)
    .helpOption("-h, --help", "tell about a command")
    .helpCommand("help [command]", "tell about a command")
    .exitOverride();
  const named = new Set(toCommand(argv));
  for (const { name, summary, load } of ENTRIES) {
    const commander = program.command(name).summary(summary).copyInheritedSettings(program);
    if (!named.has(name)) continue;
    const command = await load();
    const { describeCommand } = await import("./describe-command.js");
    describeCommand(commander, command);
    commander.action(() => run(command, commander, name));
  }
  return program;
}

function toCommand(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === undefined) return ["--help"];
  return first === "--version" || first === "-V" ? ["version", ...rest] : argv;
}

/** Says what went wrong, once, and what the process ends with. */
function explain(
  error: unknown,
  { stop, note }: { readonly stop: StopRequest; readonly note: (text: string) => void },
): Run["exitCode"] {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE;
  if (stop.signal.aborted && error === stop.signal.reason) {
    const interruption = error as Interruption;
    if (interruption.isQuiet) return ExitCode.DONE;
    note(`millrace: ${interruption.message}`);
    return ExitCode.OTHER;
  }
  const exitCode = exitCodeOf(error);
  const isOurs = error instanceof Error && "code" in error && exitCode !== ExitCode.OTHER;
  const text = error instanceof Error ? error.message : String(error);
  const detail = error instanceof Error ? (error.stack ?? text) : text;
  const said = isOurs ? text : detail;
  note(said.startsWith("millrace ") ? said : `millrace: ${said}`);
  if (isOurs && error.code === "CLIENT_BROKER_UNAVAILABLE") {
    note("start one with `millrace serve` or `millrace broker`, or name another with --broker");
  }
  return exitCode;
}
