/** Patterns of names, as shells have them: `*.pdf`, `reports/**`, `*.{html,md}`. Touches no file. */
import picomatch from "picomatch";

/** Of a path below a folder, with "/". */
export type Matches = (name: string) => boolean;

/** Longer ones nobody writes, and a pattern becomes a regular expression. */
const PATTERN_LENGTH_MAX = 4_096;

/**
 * What fits one of the patterns, which commas part. One without "/" is held against the last
 * component, whatever folder it is in. Whether hidden names count is decided by who walks.
 */
export function matcherOf(patterns: string): Matches {
  const each = partsOf(patterns.slice(0, PATTERN_LENGTH_MAX)).map((pattern) =>
    picomatch(pattern.replace(/^\.?\//, ""), { dot: true, basename: !pattern.includes("/") }),
  );
  return (name) => each.some((matches) => matches(name));
}

/** A pattern among the given paths: where to begin, and what to keep of what lies below. */
export function globOf(
  path: string,
): { readonly base: string; readonly matches: Matches } | undefined {
  if (path.length > PATTERN_LENGTH_MAX || !/[*?[{(]/.test(path)) return undefined;
  const { base, glob } = picomatch.scan(path);
  if (glob === "") return undefined;
  const absolute = path.startsWith("/") && base === "" ? "/" : ".";
  return { base: base === "" ? absolute : base, matches: picomatch(glob, { dot: true }) };
}

/** Cut at commas, those within braces left alone. */
function partsOf(patterns: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of patterns) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (character === "," && depth <= 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
