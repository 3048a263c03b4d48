/**
 * Decides which addresses of a page may stand in Markdown, and in which form.
 * Source: spec pipeline-and-stages.md 5.6.
 */

const ALLOWED_SCHEMES = new Set(["http", "https", "file"]);

/** The address of a link; undefined for schemes such as `javascript:` and `mailto:`. */
export function linkAddress(href: string): string | undefined {
  // As browsers do: control characters and blanks do not hide a scheme.
  const address = withoutControls(href);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase();
  if (scheme !== undefined && !ALLOWED_SCHEMES.has(scheme)) return undefined;
  const parts = /^([a-z][a-z0-9+.-]*:)?(\/\/[^/?#]*)?([^;?#]*)(.*)$/i.exec(address) ?? [];
  const [, prefix = "", host = "", path = "", rest = ""] = parts;
  return escaped(prefix + host) + quotedPath(path) + escaped(rest);
}

/** The address of a picture. Of a data URI only the type is kept, for the rest is the picture. */
export function pictureAddress(src: string): string | undefined {
  if (!/^\s*data:/i.test(src)) return linkAddress(src);
  const [type = ""] = withoutControls(src.slice(0, DATA_TYPE_CHARS)).split(",");
  return `${escaped(type)}...`;
}

const DATA_TYPE_CHARS = 100;

function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "").trim();
}

/** Everything but unreserved characters and slashes becomes %XX; what is %XX already stays. */
function quotedPath(path: string): string {
  return path.replaceAll(/%[0-9a-f]{2}|[^\w.~/-]+/gi, (part) =>
    /^%[0-9a-f]{2}$/i.test(part) ? part : percent(part),
  );
}

/** What would end the address in Markdown. */
function escaped(text: string): string {
  return text.replaceAll(/[\s()<>]+/g, percent);
}

function percent(text: string): string {
  const bytes = Array.from(Buffer.from(text, "utf8"));
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
