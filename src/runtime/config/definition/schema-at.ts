/** Finds the part of a zod schema that stands for a place in a value. */
import type { z } from "zod";
import type { Path } from "../text/origin.js";

/** What zod keeps of a schema; the part of it that is read here. */
interface Definition {
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Shape;
}
type Shape = Readonly<Record<string, z.ZodType>>;

const definitionOf = (schema: z.ZodType) => schema.def as unknown as Definition;

/** The keys that are known at `path`; none where everything is taken. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  const found = schemaAt(schema, path);
  return Object.keys((found === undefined ? undefined : shapeOf(found)) ?? {});
}

/** How the type at `path` is told to people, where its schema says so. */
export function typeTextOf(schema: z.ZodType, path: Path): string | undefined {
  for (let at = schemaAt(schema, path); at !== undefined; at = definitionOf(at).innerType) {
    const { typeText } = (at.meta() ?? {}) as { readonly typeText?: string };
    if (typeText !== undefined) return typeText;
  }
  return undefined;
}

function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  return path.reduce<z.ZodType | undefined>((at, key) => {
    if (at === undefined) return undefined;
    const { element, valueType } = definitionOf(unwrap(at));
    return shapeOf(at)?.[String(key)] ?? element ?? valueType;
  }, schema);
}

/** Members of an object, or of that one of several forms that is an object. */
function shapeOf(schema: z.ZodType): Shape | undefined {
  const { shape, options = [] } = definitionOf(unwrap(schema));
  return shape ?? options.map((option) => definitionOf(unwrap(option)).shape).find(Boolean);
}

/** Without defaults and the like. */
function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType } = definitionOf(schema);
  return innerType === undefined ? schema : unwrap(innerType);
}
