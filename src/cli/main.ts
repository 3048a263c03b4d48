#!/usr/bin/env node
/** Entry of the command `millrace`. */
import { ExitCode } from "./exit-codes.js";
import { endProcess } from "./output.js";
import { runProgram } from "./program.js";

// Node itself would end with 1, which means here that documents failed.
process.on("uncaughtException", (error) => {
  process.stderr.write(`millrace: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(ExitCode.OTHER);
});

await endProcess(await runProgram(process.argv.slice(2), process.env));
