/**
 * Looks through plain data before it crosses to another thread: in the order and to the depth in which
 * the platform's structured clone will, but without recursion, so that nothing overflows there. It can
 * copy on the way, with bytes replaced. It knows no messages.
 */
import { types } from "node:util";
import { defineMember } from "./deep-copy.js";

/** The platform bears several thousand levels; it must bear these on a stack that is in use already. */
const DEPTH_MAX = 1_000;

/** What is wrong with a value, and where. */
export class NotPlain extends Error {}

/** Bytes of any kind that may stand in data. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** One container on the way from the root. */
interface Frame {
  readonly from: object;
  readonly to: object | undefined;
  /** Of an object; containers without keys are looked through by index. */
  readonly keys: readonly string[] | undefined;
  readonly items: readonly unknown[];
  readonly copies: unknown[];
  readonly count: number;
  index: number;
}

/**
 * Visits all bytes in `root`, each once.
 *
 * @param replace what stands for them in the copy. Without it nothing is copied.
 * @returns the copy, in which what was one object is one again; without `replace`, the root itself.
 * @throws NotPlain for functions, symbols, instances of classes, and nesting beyond 1,000 levels; its
 *   text names the path, never a value.
 */
export function walkPlain<T extends object>(
  root: T,
  visit: (bytes: Bytes) => void,
  replace?: (bytes: Bytes) => Bytes,
): T {
  const seen = new Map<object, object>();
  const frames: Frame[] = [];
  const enter = (value: object): object => {
    if (frames.length >= DEPTH_MAX) throw notPlain(frames, `is more than ${DEPTH_MAX} levels deep`);
    const frame = frameOf(value, replace !== undefined);
    if (frame === undefined) throw notPlain(frames, `is an instance of ${classOf(value)}`);
    frames.push(frame);
    const copy = frame.to ?? value;
    seen.set(value, copy);
    return copy;
  };
  const take = (value: unknown): unknown => {
    if (typeof value === "function" || typeof value === "symbol") {
      throw notPlain(frames, `is a ${typeof value}`);
    }
    if (typeof value !== "object" || value === null) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    if (!isBytes(value)) return isLeaf(value) ? value : enter(value);
    visit(value);
    const bytes = replace?.(value) ?? value;
    seen.set(value, bytes);
    return bytes;
  };
  const result = enter(root);
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    if (frame.index === frame.count) {
      fill(frame);
      frames.pop();
      continue;
    }
    const place = frame.index++;
    const value = frame.keys
      ? Reflect.get(frame.from, frame.keys[place] as string)
      : frame.items[place];
    const taken = take(value);
    if (frame.to !== undefined) put(frame, place, taken);
  }
  return result as T;
}

/** Undefined for what is no container. */
function frameOf(from: object, isCopied: boolean): Frame | undefined {
  const frame = { from, keys: undefined, copies: [], index: 0 };
  if (Array.isArray(from)) {
    const to = isCopied ? new Array(from.length) : undefined;
    return { ...frame, to, items: from, count: from.length };
  }
  if (types.isMap(from)) {
    const items = [...from].flat(1);
    return { ...frame, to: isCopied ? new Map() : undefined, items, count: items.length };
  }
  if (types.isSet(from)) {
    const items = [...from];
    return { ...frame, to: isCopied ? new Set() : undefined, items, count: items.length };
  }
  const prototype = Object.getPrototypeOf(from);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return undefined;
  const keys = Object.keys(from);
  return { ...frame, to: isCopied ? {} : undefined, keys, items: [], count: keys.length };
}

function put({ from, to, keys, copies }: Frame, place: number, value: unknown): void {
  const key = keys?.[place];
  if (key !== undefined) defineMember(to as object, key, value);
  else if (!Array.isArray(to)) copies.push(value);
  // A hole stays one.
  else if (value !== undefined || place in from) to[place] = value;
}

/** Maps and sets are filled when all in them is known. */
function fill({ to, copies }: Frame): void {
  if (to instanceof Map) {
    for (let place = 0; place < copies.length; place += 2) to.set(copies[place], copies[place + 1]);
  } else if (to instanceof Set) {
    for (const copy of copies) to.add(copy);
  }
}

function isBytes(value: object): value is Bytes {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** Kinds of objects that the platform clones whole. */
function isLeaf(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    types.isBoxedPrimitive(value)
  );
}

function classOf(value: object): string {
  const { name } = (value as { constructor?: { name?: unknown } }).constructor ?? {};
  return typeof name === "string" && name !== "" ? name : "a class";
}

const KEY_LENGTH_MAX = 40;
const PATH_LENGTH_MAX = 200;

function notPlain(frames: readonly Frame[], problem: string): NotPlain {
  const path = frames.map(stepOf).join("").replace(/^\./, "");
  const shown = path.length > PATH_LENGTH_MAX ? `…${path.slice(-PATH_LENGTH_MAX)}` : path;
  return new NotPlain(`${shown} ${problem}`);
}

function stepOf({ from, keys, items, index }: Frame): string {
  const place = index - 1;
  const key = types.isMap(from) ? items[place - (place % 2)] : keys?.[place];
  if (typeof key !== "string") return `[${place}]`;
  return `.${key.length > KEY_LENGTH_MAX ? `${key.slice(0, KEY_LENGTH_MAX)}…` : key}`;
}
