/**
 * A first look at a YAML text, before anything is built of it: how deep it nests and how much of it is
 * no YAML at all. The parser proper walks by recursion and would not survive what this one refuses.
 */
import { Lexer, Parser } from "yaml";

/** Enough for any configuration, and far from the end of the stack. */
export const DEPTH_MAX = 64;
/** A text with more is something else. */
const ERRORS_MAX = 100;

export interface ScanFault {
  readonly offset: number;
  readonly text: string;
}

/** Why the text should not be parsed, or undefined when it may be. */
export function scanYaml(text: string): ScanFault | undefined {
  const parser = new Parser();
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) if (token.type === "error") errors++;
    const { offset } = parser;
    // A document, and for each level a collection.
    if (parser.stack.length > DEPTH_MAX + 1) {
      return { offset, text: `nested more than ${DEPTH_MAX} deep` };
    }
    if (errors > ERRORS_MAX) return { offset, text: "this is no YAML and no JSON" };
  }
  return undefined;
}
