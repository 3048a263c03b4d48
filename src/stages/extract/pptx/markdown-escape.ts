/** Escapes what Markdown would read as marks. Source: spec pipeline-and-stages.md 5.4. */

/** A backslash before each mark, then before everything that looks like a tag. */
export function escapeMarkdown(text: string): string {
  return escapeTags(text.replaceAll(/[\\*`!_{}[\]()#+,\-.]/g, "\\$&"));
}

/**
 * A loop and not the pattern `<[^>]+>`, which would look through the rest of the text again for
 * every `<` that is never closed.
 */
function escapeTags(text: string): string {
  let escaped = "";
  let done = 0;
  for (;;) {
    const open = text.indexOf("<", done);
    const close = open === -1 ? -1 : text.indexOf(">", open);
    if (close === -1) return escaped + text.slice(done);
    const end = close === open + 1 ? open + 1 : close + 1;
    const mark = close === open + 1 ? "" : "\\";
    escaped += text.slice(done, open) + mark + text.slice(open, end);
    done = end;
  }
}
