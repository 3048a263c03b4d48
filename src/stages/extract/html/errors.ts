/** What can be wrong with a page: only its size, for every text is HTML to a parser. */
import { defineErrors } from "../../../core/index.js";

export const HtmlErrors = defineErrors("EXTRACT_HTML", {
  TOO_LARGE: {
    kind: "limit",
    retry: false,
    about: "The page is longer, or its tree has more nodes, than the limit. Split it.",
    say: ({ what, limit }: { what: string; limit: number }) =>
      `The HTML page has more than ${limit} ${what}`,
  },
});
