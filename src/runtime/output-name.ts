/**
 * The file that a document's result goes to. Names of documents come from anywhere, so whatever a
 * file system could misread is replaced; a name that had to be changed carries a hash of the old
 * one, so that different documents never share a file. Touches no file.
 */
import { createHash } from "node:crypto";

const COMPONENT_BYTES_MAX = 180;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
const UNSAFE = /[\u0000-\u001f\u007f-\u009f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Names that mean a device on Windows, whatever their extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\.|$)/i;
/** Folders must not be named like results, else "a.pdf.json/b.pdf" stands in the way of "a.pdf". */
const LIKE_A_RESULT = /\.(?:json|jsonl|md|tmp)$/i;

/**
 * The relative path, with "/", for a document's name of that form: `sub/a.pdf` and `json` become
 * `sub/a.pdf.json`. No component is empty, `.`, `..`, reserved or longer than the usual limits.
 */
export function outputName(name: string, extension: string): string {
  const components = name.split("/");
  const last = components.length - 1;
  const safe = components.map((component, index) => safeComponent(component, index < last));
  return `${safe.join("/")}.${extension}`;
}

function safeComponent(component: string, isFolder: boolean): string {
  let safe = component.replaceAll(UNSAFE, "_").replace(/[. ]+$/, "");
  if (safe === "" || RESERVED.test(safe)) safe = `_${safe}`;
  while (Buffer.byteLength(safe) > COMPONENT_BYTES_MAX) safe = safe.slice(0, -1);
  // A cut may have left half of a surrogate pair.
  safe = Buffer.from(safe).toString();
  if (safe === component && !(isFolder && LIKE_A_RESULT.test(safe))) return safe;
  const hash = createHash("sha256").update(component).digest("hex").slice(0, 10);
  return `${safe}-${hash}`;
}
