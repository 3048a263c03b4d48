/** Links, pictures, check boxes and code within a line. Source: spec pipeline-and-stages.md 5.6. */
import { linkAddress, pictureAddress } from "./html-address.js";
import type { MarkdownWriter } from "./markdown-writer.js";
import { attributeOf, type HtmlElement, rawText } from "./parse-page.js";

/** What is to be done after an element's children; `skip` leaves the children out. */
export type Leave = (() => void) | "skip" | undefined;

/** A `<` that begins a tag in Markdown came from an entity: it was meant as text. */
export function escapeText(text: string): string {
  return text.replaceAll(/[*_]/g, "\\$&").replaceAll(/<(?=[a-z/!?])/gi, "\\<");
}

export function link(element: HtmlElement, writer: MarkdownWriter): Leave {
  const address = linkAddress(attributeOf(element, "href") ?? "");
  if (address === undefined || address === "") return undefined;
  const title = quotedTitle(element);
  const closes = `](${address}${title})`;
  const opened = writer.open({ opens: "[", closes, reopens: false });
  return () =>
    writer.close(opened, (inside) =>
      title === "" && inside.replaceAll("\\_", "_") === address ? `<${address}>` : undefined,
    );
}

function quotedTitle(element: HtmlElement): string {
  const title = attributeOf(element, "title")?.replaceAll(/\s+/g, " ").trim() ?? "";
  return title === "" ? "" : ` "${title.replaceAll('"', '\\"')}"`;
}

/** Pages that load pictures late have a placeholder in `src` and the picture in `data-src`. */
export function picture(element: HtmlElement, writer: MarkdownWriter): Leave {
  const src = attributeOf(element, "src") ?? "";
  const late = attributeOf(element, "data-src") ?? "";
  const isPlaceholder = src === "" || /^\s*data:/i.test(src);
  const address = pictureAddress(isPlaceholder && late !== "" ? late : src);
  const alt = (attributeOf(element, "alt") ?? "").replaceAll(/\s+/g, " ").trim();
  if (address === undefined || address === "") {
    if (alt !== "") writer.raw(escapeText(alt));
  } else writer.raw(`![${alt.replaceAll(/[[\]]/g, "\\$&")}](${address}${quotedTitle(element)})`);
  return "skip";
}

export function checkBox(element: HtmlElement, writer: MarkdownWriter): Leave {
  if (attributeOf(element, "type")?.trim().toLowerCase() === "checkbox") {
    writer.raw(attributeOf(element, "checked") === undefined ? "[ ]" : "[x]");
    writer.space();
  }
  return "skip";
}

export function inlineCode(element: HtmlElement, writer: MarkdownWriter): Leave {
  const raw = rawText(element);
  if (/^\s/.test(raw)) writer.space();
  const text = raw.replaceAll(/\s+/g, " ").trim();
  if (text === "") return "skip";
  const fence = "`".repeat(longestTicks(text) + 1);
  const pad = fence.length > 1 ? " " : "";
  writer.raw(`${fence}${pad}${text}${pad}${fence}`);
  if (raw.at(-1)?.trim() === "") writer.space();
  return "skip";
}

export function longestTicks(text: string): number {
  let longest = 0;
  for (const [ticks] of text.matchAll(/`+/g)) longest = Math.max(longest, ticks.length);
  return longest;
}
