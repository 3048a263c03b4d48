// A function of one's own for a pipeline file: `use: ./stages/shorten.js#shorten`.

/** Cuts the text of each row at `config.maxCharacters`, and says in an annotation how often. */
export function shorten(message, { config }) {
  const { maxCharacters = 1_000 } = config;
  let count = 0;
  for (const { metadata } of message.payload) {
    if (typeof metadata?.content !== "string" || metadata.content.length <= maxCharacters) continue;
    metadata.content = `${metadata.content.slice(0, maxCharacters)}…`;
    count++;
  }
  message.annotate({ sourceId: "shorten", message: `${count} rows shortened` });
  return message;
}
