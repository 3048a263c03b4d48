/**
 * Reads YAML (and JSON, which is YAML) into plain values, and keeps where each of them stands. Variables
 * are put in here, scalar by scalar. Knows nothing of pipelines.
 *
 * What it takes of YAML is what a configuration needs: maps with text keys, lists, scalars of the core
 * schema, anchors and aliases within bounds. No tags, no several documents, no key twice.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { quote } from "../../../core/index.js";
import type { Fault } from "../definition/fault.js";
import { type Path, type Place, Places, type Position } from "./origin.js";
import {
  type Environment,
  readScalar,
  SUBSTITUTED_LENGTH_MAX,
  SubstitutionFault,
  substitute,
} from "./substitute.js";
import { DEPTH_MAX, scanYaml } from "./yaml-scan.js";

/** Values that a file may unfold to, aliases included. */
const VALUES_MAX = 100_000;
const SUBSTITUTED_TOTAL_MAX = 16 * SUBSTITUTED_LENGTH_MAX;

export interface YamlReading {
  readonly value: unknown;
  readonly places: Places;
  /** Faults of the text itself; `value` is then what could be read in spite of them. */
  readonly faults: readonly TextFault[];
}

export interface TextFault extends Position {
  readonly text: string;
}

export function readYaml(text: string, environment: Environment): YamlReading {
  const lines = new LineCounter();
  const refused = scanYaml(text);
  if (refused !== undefined) {
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      lines.addNewLine(at + 1);
    }
    lines.lineStarts.unshift(0);
    const fault = { ...positionAt(lines, refused.offset), text: refused.text };
    return { value: undefined, places: new Places(), faults: [fault] };
  }
  const document = parseDocument(text, {
    lineCounter: lines,
    // Excerpts of the text could show what must stay unseen.
    prettyErrors: false,
    // Told here with its place; theirs compares each key with each other one.
    uniqueKeys: false,
    resolveKnownTags: false,
    schema: "core",
  });
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    ...positionAt(lines, error.pos[0]),
    text: syntaxText(error),
  }));
  const reader = new NodeReader(lines, environment);
  const value = reader.read(document.contents);
  return { value, places: reader.places, faults: [...faults, ...reader.faults] };
}

/** Without what the parser quotes from the text. */
function syntaxText({ code, message }: YAMLError): string {
  const said = {
    TAG_RESOLVE_FAILED: "tags such as !!set are not taken",
    MULTIPLE_DOCS: "only one document is taken; remove what follows ---",
    BLOCK_AS_IMPLICIT_KEY: 'two keys on one line; put a text that has ": " in it into quotes',
    MULTILINE_IMPLICIT_KEY: 'a key without ": " behind it',
    MISSING_CHAR: message.includes("quote") ? "a quote is not closed" : message,
  }[code as string];
  const text = said ?? message.replace(/ in YAML stream: .*$/s, "").replace(/ \\.*$|: .*$/s, "");
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

const NOTHING: Pick<Place, "set" | "unset"> = { set: [], unset: [] };
type AnyNode = Node | null;

/** Ends the reading of a text that unfolds too far. */
class TooMuch extends Error {}

class NodeReader {
  readonly places = new Places();
  readonly faults: TextFault[] = [];
  readonly #lines: LineCounter;
  readonly #environment: Environment;
  readonly #anchors = new Map<string, Node>();
  #values = 0;
  #substitutedLength = 0;

  constructor(lines: LineCounter, environment: Environment) {
    this.#lines = lines;
    this.#environment = environment;
  }

  read(root: AnyNode): unknown {
    try {
      return this.#read(root, [], { line: 1, column: 1 });
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      return undefined;
    }
  }

  /** @param around is told where a value is missing. */
  #read(node: AnyNode, path: Path, around: Position, key?: Position): unknown {
    const at = this.#positionOf(node) ?? around;
    if (++this.#values > VALUES_MAX) {
      this.#give(at, `unfolds to more than ${VALUES_MAX} values`);
      throw new TooMuch();
    }
    if (path.length > DEPTH_MAX) {
      this.#give(at, `nested more than ${DEPTH_MAX} deep`);
      throw new TooMuch();
    }
    const place = { value: at, ...(key !== undefined && { key }), ...NOTHING };
    if (isAlias(node)) return this.#readAlias(node, path, at, key);
    if (node !== null && "anchor" in node && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node);
    }
    this.places.set(path, place);
    if (isMap(node)) return this.#readMap(node, path, at);
    if (isSeq(node)) return this.#readSeq(node, path, at);
    return isScalar(node) ? this.#readScalar(node, path, place) : null;
  }

  #readAlias(alias: Alias, path: Path, at: Position, key: Position | undefined): unknown {
    const target = this.#anchors.get(alias.source);
    if (target !== undefined) return this.#read(target, path, at, key);
    this.#give(at, `there is no anchor ${quote(`&${alias.source}`)} before this alias`);
    return null;
  }

  #readMap(map: YAMLMap, path: Path, at: Position): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    for (const pair of map.items as readonly Pair<AnyNode, AnyNode>[]) {
      const key = this.#positionOf(pair.key) ?? at;
      const name = this.#readKey(pair.key, key);
      if (name === undefined) continue;
      if (Object.hasOwn(members, name)) {
        this.#give(key, `the key ${quote(name)} is there twice`);
        continue;
      }
      members[name] = this.#read(pair.value, [...path, name], key, key);
    }
    return members;
  }

  #readKey(key: AnyNode, at: Position): string | undefined {
    if (isScalar(key) && key.value !== null) {
      const name = String(key.value);
      if (name !== "__proto__") return name;
      this.#give(at, `the key ${quote(name)} is not taken`);
    } else this.#give(at, "a key must be text");
    return undefined;
  }

  #readSeq(seq: YAMLSeq, path: Path, at: Position): unknown[] {
    return (seq.items as readonly AnyNode[]).map((item, index) =>
      this.#read(item, [...path, index], at),
    );
  }

  #readScalar(scalar: Scalar, path: Path, place: Place): unknown {
    const { value } = scalar;
    if (typeof value === "number" && !Number.isFinite(value)) {
      this.#give(place.value, "must be a finite number");
      return null;
    }
    if (typeof value !== "string" || !value.includes("$")) return value;
    try {
      const { text, isText, set, unset } = substitute(value, this.#environment);
      this.#substitutedLength += text.length;
      if (this.#substitutedLength > SUBSTITUTED_TOTAL_MAX) {
        throw new SubstitutionFault("the file gets too long with its variables");
      }
      if (set.length > 0 || unset.length > 0) {
        this.places.set(path, { ...place, written: value, set, unset });
      }
      const isPlain = scalar.type === Scalar.PLAIN && !isText;
      // A number of infinite size is text like any other word.
      const read = isPlain && text !== value ? readScalar(text) : text;
      return typeof read === "number" && !Number.isFinite(read) ? text : read;
    } catch (error) {
      if (!(error instanceof SubstitutionFault)) throw error;
      this.#give(place.value, error.message);
      return null;
    }
  }

  #give(at: Position, text: string): void {
    this.faults.push({ ...at, text });
  }

  #positionOf(node: AnyNode): Position | undefined {
    const start = node?.range?.[0];
    return start === undefined ? undefined : positionAt(this.#lines, start);
  }
}

/** Where a fault of the values stands in the text. */
export function positionOf({ path, at }: Pick<Fault, "path" | "at">, places: Places): Position {
  const found = places.nearest(path);
  if (found === undefined) return { line: 1, column: 1 };
  const { place, isExact } = found;
  // What is missing is told at the key of what it is missing in.
  return at === "key" || !isExact ? (place.key ?? place.value) : place.value;
}
