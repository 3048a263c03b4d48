/**
 * Walks over JSON text in bytes and tells where the members of its object stand, without making
 * values of them. It reads two kinds of text: JSON as it is, and JSON that is itself the content of a
 * JSON string ("one level of escaping"), so that a member of an escaped document can be found, and
 * replaced in place, without unescaping megabytes around it.
 *
 * Accepts what Python's reader accepts: also `NaN`, `Infinity` and `-Infinity`.
 */
import { WireErrors } from "./errors.js";
import { hexAt, hexDigit, runOverString } from "./json-string.js";

/** Containers inside each other, at most. Real documents stay below 20. */
const DEPTH_MAX = 512;
/** Members of the outermost object, at most: each one found costs memory. */
const MEMBERS_MAX = 1_024;
/** Characters of a number or literal, at most: where Python stops reading integers. */
const SCALAR_LENGTH_MAX = 4_300;
const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)$/;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const END = -1;

/**
 * Characters outside of strings, at most. Strings are run over in words, the rest character by
 * character, so this bounds how long one frame can keep the event loop busy (about 20 ms).
 */
const STEPS_MAX = 2 * 1024 * 1024;

/** Where a member stands: offsets into the scanned bytes, ends exclusive, keys with their quotes. */
export interface Member {
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** A string value holds a surrogate escape without its partner (plain text only). */
  readonly loneSurrogate: boolean;
}

/** A place in the text: `char` is the JSON text's character there, or -1 at its end. */
interface Cursor {
  position: number;
  char: number;
  loneSurrogate: boolean;
  next(): void;
  /** From an opening quote to after the closing one. */
  skipString(): void;
}

/** JSON as it is. */
class PlainCursor implements Cursor {
  readonly #bytes: Buffer;
  #steps = 0;
  position = 0;
  char: number;
  loneSurrogate = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.char = bytes[0] ?? END;
  }

  next(): void {
    if (++this.#steps > STEPS_MAX) throw tooMuch(this.position);
    this.char = this.#bytes[++this.position] ?? END;
  }

  skipString(): void {
    const run = runOverString(this.#bytes, this.position + 1, this.#bytes.length);
    this.loneSurrogate = run.loneSurrogate;
    this.position = run.end;
    this.next();
  }
}

const SHORT_ESCAPES: Readonly<Record<string, number>> = {
  '"': 0x22,
  "\\": 0x5c,
  "/": 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
};

/** JSON inside a JSON string, whose own escapes were checked before. */
class EscapedCursor implements Cursor {
  readonly #bytes: Buffer;
  #width = 0;
  #steps = 0;
  position = 0;
  char = END;
  loneSurrogate = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#read();
  }

  next(): void {
    if (++this.#steps > STEPS_MAX) throw tooMuch(this.position);
    this.position += this.#width;
    this.#read();
  }

  skipString(): void {
    for (;;) {
      this.position += this.#width;
      // Between two backslashes nothing of the inner text can end, so the bytes are jumped over.
      const backslash = this.#bytes.indexOf(BACKSLASH, this.position);
      if (backslash < 0) throw invalid(this.#bytes.length, "a string has no end");
      this.position = backslash;
      this.#read();
      if (this.char === QUOTE) break;
      if (this.char === BACKSLASH) this.#skipEscape();
      else if (this.char < 0x20) throw invalid(this.position, "a control character in a string");
    }
    this.next();
  }

  /** From the inner backslash to the last character of its escape. */
  #skipEscape(): void {
    this.next();
    if (this.char < 0 || this.char > 0x7f) throw invalid(this.position, "an unknown escape");
    const letter = String.fromCharCode(this.char);
    if (letter === "u") {
      for (let i = 0; i < 4; i++) {
        this.next();
        if (hexDigit(this.char) < 0) throw invalid(this.position, "an escape is cut off");
      }
    } else if (!(letter in SHORT_ESCAPES)) throw invalid(this.position, "an unknown escape");
  }

  #read(): void {
    const byte = this.#bytes[this.position];
    this.#width = 1;
    if (byte !== BACKSLASH) {
      this.char = byte ?? END;
      return;
    }
    const letter = String.fromCharCode(this.#bytes[this.position + 1] ?? 0);
    const short = SHORT_ESCAPES[letter];
    this.#width = short === undefined ? 6 : 2;
    this.char = short ?? hexAt(this.#bytes, this.position + 2, this.#bytes.length);
  }
}

/**
 * The members of the JSON object that `text` is, in order, duplicates included; the object ends at
 * `closeAt`. Undefined when the text is JSON, but no object.
 *
 * @param text the bytes of the JSON text, or with `escaped` the content of the JSON string that
 *   holds it, without its quotes; that string must be valid.
 * @throws WIRE_JSON_INVALID for anything that is not JSON.
 */
export function scanObject(
  text: Buffer,
  escaped: boolean,
): { members: Member[]; closeAt: number } | undefined {
  const cursor = escaped ? new EscapedCursor(text) : new PlainCursor(text);
  skipBlanks(cursor);
  if (cursor.char !== OPEN_OBJECT) {
    skipValue(cursor);
    expectEnd(cursor);
    return undefined;
  }
  const members: Member[] = [];
  cursor.next();
  skipBlanks(cursor);
  while (!at(cursor, CLOSE_OBJECT)) {
    if (members.length > 0) {
      expect(cursor, COMMA, "a comma");
      skipBlanks(cursor);
    }
    if (members.length === MEMBERS_MAX) {
      throw invalid(cursor.position, `more than ${MEMBERS_MAX} members`);
    }
    members.push(scanMember(cursor));
    skipBlanks(cursor);
  }
  const closeAt = cursor.position;
  cursor.next();
  expectEnd(cursor);
  return { members, closeAt };
}

function scanMember(cursor: Cursor): Member {
  const keyStart = cursor.position;
  const keyEnd = skipKey(cursor);
  skipBlanks(cursor);
  const valueStart = cursor.position;
  const valueEnd = skipValue(cursor);
  return { keyStart, keyEnd, valueStart, valueEnd, loneSurrogate: cursor.loneSurrogate };
}

/** From a key's opening quote to after its colon; returns where the key ended. */
function skipKey(cursor: Cursor): number {
  if (cursor.char !== QUOTE) throw invalid(cursor.position, "a member's name is expected");
  cursor.skipString();
  const keyEnd = cursor.position;
  skipBlanks(cursor);
  expect(cursor, COLON, "a colon");
  cursor.loneSurrogate = false;
  return keyEnd;
}

/** Runs over one value of any depth without recursion; returns where it ended. */
function skipValue(cursor: Cursor): number {
  const closers: number[] = [];
  for (;;) {
    skipBlanks(cursor);
    const opened = openContainer(cursor);
    if (opened !== undefined) {
      if (closers.push(opened) > DEPTH_MAX) {
        throw invalid(cursor.position, `nested deeper than ${DEPTH_MAX}`);
      }
      continue;
    }
    let valueEnd = cursor.position;
    for (;;) {
      const closer = closers.at(-1);
      if (closer === undefined) return valueEnd;
      skipBlanks(cursor);
      if (cursor.char === COMMA) {
        cursor.next();
        skipBlanks(cursor);
        if (closer === CLOSE_OBJECT) skipKey(cursor);
        break;
      }
      expect(cursor, closer, "a comma or the end of a container");
      valueEnd = cursor.position;
      closers.pop();
    }
  }
}

/**
 * Steps into a container that is not empty and returns what closes it; runs over a string, a
 * scalar or an empty container and returns undefined.
 */
function openContainer(cursor: Cursor): number | undefined {
  const { char } = cursor;
  if (char === QUOTE) {
    cursor.skipString();
    return undefined;
  }
  if (char !== OPEN_OBJECT && char !== OPEN_LIST) {
    skipScalar(cursor);
    return undefined;
  }
  const closer = char === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
  cursor.next();
  skipBlanks(cursor);
  if (cursor.char === closer) {
    cursor.next();
    return undefined;
  }
  if (closer === CLOSE_OBJECT) skipKey(cursor);
  return closer;
}

function skipScalar(cursor: Cursor): void {
  const start = cursor.position;
  let token = "";
  while (isScalarChar(cursor.char) && token.length <= SCALAR_LENGTH_MAX) {
    token += String.fromCharCode(cursor.char);
    cursor.next();
  }
  if (token.length > SCALAR_LENGTH_MAX || !SCALAR.test(token)) {
    throw invalid(start, "a value is expected");
  }
}

/** Letters, digits, plus, minus and dot. */
function isScalarChar(char: number): boolean {
  const letter = char | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return char > 0x40;
  return (char >= 0x30 && char <= 0x39) || char === 0x2b || char === 0x2d || char === 0x2e;
}

function skipBlanks(cursor: Cursor): void {
  let { char } = cursor;
  while (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) {
    cursor.next();
    ({ char } = cursor);
  }
}

function at(cursor: Cursor, char: number): boolean {
  return cursor.char === char;
}

function expect(cursor: Cursor, char: number, what: string): void {
  if (cursor.char !== char) throw invalid(cursor.position, `${what} is expected`);
  cursor.next();
}

function expectEnd(cursor: Cursor): void {
  skipBlanks(cursor);
  if (cursor.char !== END) throw invalid(cursor.position, "more text after the value");
}

function invalid(offset: number, reason: string) {
  return WireErrors.JSON_INVALID({ offset, reason });
}

function tooMuch(offset: number) {
  return invalid(offset, `more than ${STEPS_MAX} characters outside of texts`);
}
