/** Faults of a pipeline's definition, with the place they are at. */
import { quote } from "../../../core/index.js";
import type { Path } from "../text/origin.js";
import { isSecretPath, withoutUrlPasswords } from "../text/secrets.js";

export interface Fault {
  readonly path: Path;
  /** What is wrong there: the value, or the key that it has. */
  readonly at: "key" | "value";
  /** What is wrong, without its place. */
  readonly text: string;
  /** The value that is wrong, when it helps to see it. */
  readonly got?: unknown;
}

/** ` (got "5")`, or nothing when the text says it all or the value must stay unseen. */
export function gotText({ path, got }: Fault): string {
  // What is in a collection is told by its kind: its members may be secrets of their own.
  if (got === undefined || typeof got === "object" || isSecretPath(path, got)) return "";
  return ` (got ${withoutUrlPasswords(quote(got))})`;
}
