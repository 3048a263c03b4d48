/** `millrace version` */
import { z } from "zod";
import { VERSION } from "../../core/index.js";
import { commonOptions, defineCommand } from "../command.js";
import { ExitCode } from "../exit-codes.js";

export const version = defineCommand({
  about: "Prints the version of Millrace; with --json also that of Node.js.",
  options: z.strictObject(commonOptions("warn")),
  groups: {},
  examples: [["millrace version", "the version alone"]],
  async run({ json }, { output }) {
    if (json) output.json({ millrace: VERSION, node: process.version });
    else output.line(VERSION);
    return ExitCode.DONE;
  },
});
