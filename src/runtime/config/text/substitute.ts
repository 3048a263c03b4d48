/**
 * Puts environment variables into one scalar of a pipeline file, after the file was parsed: whatever
 * a variable holds, it stays one scalar. Reads no environment itself.
 *
 *     $NAME   ${NAME}                      its value, or nothing
 *     $NAME|default   ${NAME|de fault}     else the default; without braces it ends at white space or ,
 *     $NAME|"quoted"                       the default with its quotes; alone in its scalar it is text
 *     $NAME|$OTHER                         else another variable
 *     $$                                   a dollar
 *
 * A dollar before anything else is a dollar. An empty variable counts as not set, as everywhere here.
 */
import { Schema } from "yaml";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  /** What stands there now. */
  readonly text: string;
  /** It came from a default in quotes and is not read again. */
  readonly isText: boolean;
  /** Variables whose value was taken. */
  readonly set: readonly string[];
  /** Variables that were asked for and hold nothing. */
  readonly unset: readonly string[];
}

/** `$A|$B|…`: more is no configuration but a puzzle. */
const CHAIN_MAX = 8;
export const SUBSTITUTED_LENGTH_MAX = 1_048_576;

const REFERENCE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z_][A-Za-z0-9_]*))/y;
const QUOTED = /"[^"]*"/y;
const BARE_DEFAULT = /[^\s,"{}[\]$]*/y;
const BRACED_TEXT = /[^}$]+/y;

/** Why a scalar cannot be substituted; its text never holds the value of a variable. */
export class SubstitutionFault extends Error {}

/** @throws SubstitutionFault */
export function substitute(text: string, environment: Environment): Substituted {
  return new Substitution(text, environment).run();
}

class Substitution {
  readonly #text: string;
  readonly #environment: Environment;
  readonly #set: string[] = [];
  readonly #unset: string[] = [];
  #at = 0;
  /** The default in quotes that was used last. */
  #quoted: string | undefined;

  constructor(text: string, environment: Environment) {
    this.#text = text;
    this.#environment = environment;
  }

  run(): Substituted {
    const parts: string[] = [];
    let length = 0;
    while (this.#at < this.#text.length) {
      const part = this.#take(/[^$]+/y) ?? this.#readDollar(1);
      length += part.length;
      if (length > SUBSTITUTED_LENGTH_MAX) {
        throw new SubstitutionFault(`is longer than ${SUBSTITUTED_LENGTH_MAX} with its variables`);
      }
      parts.push(part);
    }
    const [whole] = parts;
    const isText = parts.length === 1 && this.#quoted !== undefined && this.#quoted === whole;
    const text = isText ? (whole as string).slice(1, -1) : parts.join("");
    return { text, isText, set: unique(this.#set), unset: unique(this.#unset) };
  }

  /** What stands for the reference, or the dollar, at which reading has arrived. */
  #readDollar(depth: number): string {
    if (this.#take(/\$\$/y) !== undefined) return "$";
    const start = this.#at;
    REFERENCE.lastIndex = start;
    const found = REFERENCE.exec(this.#text);
    if (found === null) {
      if (this.#text.startsWith("${", start)) {
        throw new SubstitutionFault("`${` is not followed by a name; write `$$` for a dollar");
      }
      this.#at++;
      return "$";
    }
    if (depth > CHAIN_MAX) throw new SubstitutionFault(`chains more than ${CHAIN_MAX} variables`);
    this.#at += found[0].length;
    const [, braced, bare] = found;
    const name = (braced ?? bare) as string;
    const hasDefault = this.#take(/\|/y) !== undefined;
    const value = this.#environment[name];
    if (value !== undefined && value !== "") {
      // The default is read to get past it; what it would have taken does not count.
      const [setBefore, unsetBefore, quoted] = [this.#set.length, this.#unset.length, this.#quoted];
      this.#readRest({ isBraced: braced !== undefined, hasDefault, name, depth });
      this.#set.length = setBefore;
      this.#unset.length = unsetBefore;
      this.#quoted = quoted;
      this.#set.push(name);
      return value;
    }
    this.#unset.push(name);
    return this.#readRest({ isBraced: braced !== undefined, hasDefault, name, depth });
  }

  #readRest({ isBraced, hasDefault, name, depth }: Reference): string {
    if (!isBraced) return hasDefault ? this.#readBareDefault(depth) : "";
    const fallback = hasDefault ? this.#readBracedDefault(depth) : "";
    if (this.#take(/\}/y) === undefined) {
      throw new SubstitutionFault(`\`\${${name}\` is not closed by \`}\``);
    }
    return fallback;
  }

  #readBareDefault(depth: number): string {
    const quoted = this.#takeQuoted();
    if (quoted !== undefined) return quoted;
    if (this.#text[this.#at] === "$") return this.#readDollar(depth + 1);
    return this.#take(BARE_DEFAULT) ?? "";
  }

  #readBracedDefault(depth: number): string {
    const quoted = this.#takeQuoted();
    if (quoted !== undefined) return quoted;
    let text = "";
    while (this.#at < this.#text.length && this.#text[this.#at] !== "}") {
      text += this.#take(BRACED_TEXT) ?? this.#readDollar(depth + 1);
      if (text.length > SUBSTITUTED_LENGTH_MAX) {
        throw new SubstitutionFault(`is longer than ${SUBSTITUTED_LENGTH_MAX} with its variables`);
      }
    }
    return text;
  }

  #takeQuoted(): string | undefined {
    const quoted = this.#take(QUOTED);
    if (quoted !== undefined) this.#quoted = quoted;
    return quoted;
  }

  /** What the sticky pattern finds here, if it is anything. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || found === "") return undefined;
    this.#at += found.length;
    return found;
  }
}

interface Reference {
  readonly isBraced: boolean;
  readonly hasDefault: boolean;
  readonly name: string;
  readonly depth: number;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

const SCALARS = new Schema({ schema: "core" }).tags.filter(
  (tag) => tag.default === true && "test" in tag && tag.test !== undefined,
);

/** No number is longer. */
const WORD_LENGTH_MAX = 400;

/** What an unquoted YAML scalar of this text is: a number, true, false, null, or the text. */
export function readScalar(text: string): string | number | boolean | null {
  if (text.length > WORD_LENGTH_MAX) return text;
  const trimmed = text.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  const tag = SCALARS.find((each) => "test" in each && each.test?.test(trimmed));
  if (tag === undefined || !("resolve" in tag)) return text;
  const resolve = tag.resolve as (text: string, onError: () => void, options: object) => unknown;
  const value = resolve(trimmed, () => {}, { intAsBigInt: false });
  const plain = typeof value === "object" && value !== null ? Reflect.get(value, "value") : value;
  return plain as string | number | boolean | null;
}
