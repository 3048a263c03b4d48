// A plugin: stages by name, each with a schema of its options. A pipeline uses one of them by
// `use: "millrace-redact#words"` or `use: "millrace-redact#numbers"`.
import { definePlugin } from "millrace";
import { z } from "zod";

/** Replaces what is found in the text of each row, wherever the row keeps it. */
function redactRows(message, pattern, mark) {
  for (const row of message.payload) {
    if (typeof row.content === "string") row.content = row.content.replaceAll(pattern, mark);
    const { metadata } = row;
    if (typeof metadata?.content === "string") {
      metadata.content = metadata.content.replaceAll(pattern, mark);
    }
  }
  return message;
}

const escaped = (word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
const mark = z.string().max(100).default("█").describe("What stands there instead.");

export const plugin = definePlugin({
  name: "millrace-redact",
  version: "1.0.0",
  stages: {
    words: {
      about: "Blacks out given words.",
      options: z.strictObject({
        words: z.array(z.string().min(1)).min(1).max(1_000).describe("Words, in any case."),
        mark,
      }),
      create({ options }) {
        const pattern = new RegExp(options.words.map(escaped).join("|"), "giu");
        return (message) => redactRows(message, pattern, options.mark);
      },
    },
    numbers: {
      about: "Blacks out numbers of so many digits and more.",
      options: z.strictObject({
        minDigits: z.number().int().min(1).max(100).default(6).describe("Shorter ones stay."),
        mark,
      }),
      create({ options }) {
        const pattern = new RegExp(`\\d{${options.minDigits},}`, "g");
        return (message) => redactRows(message, pattern, options.mark);
      },
    },
  },
});
