/**
 * A deep copy of plain data without recursion, so that no nesting can overflow the stack. Unlike
 * `structuredClone` it takes functions and instances of classes too: those are shared, not copied.
 */

type Container = unknown[] | Record<string, unknown>;

export function deepCopy<T>(value: T): T {
  const copies = new Map<object, Container>();
  const pending: [Container, Container][] = [];
  const copyOf = (item: unknown): unknown => {
    if (typeof item !== "object" || item === null) return item;
    if (item instanceof Date) return new Date(item.getTime());
    // `Buffer.slice` would be a view on the same memory, so the copy is a plain Uint8Array.
    if (item instanceof Uint8Array) return Uint8Array.prototype.slice.call(item);
    if (!isContainer(item)) return item;
    const known = copies.get(item);
    if (known !== undefined) return known;
    const copy: Container = Array.isArray(item) ? new Array(item.length) : {};
    copies.set(item, copy);
    pending.push([item, copy]);
    return copy;
  };
  const result = copyOf(value);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [from, to] = next;
    for (const key of Object.keys(from)) {
      defineMember(to, key, copyOf((from as Record<string, unknown>)[key]));
    }
  }
  return result as T;
}

function isContainer(item: object): item is Container {
  if (Array.isArray(item)) return true;
  const prototype = Object.getPrototypeOf(item);
  return prototype === Object.prototype || prototype === null;
}

/** Sets a member of any name, also one that an assignment would take for the prototype. */
export function defineMember(to: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(to, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    (to as Record<string, unknown>)[key] = value;
  }
}
