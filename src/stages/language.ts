/**
 * Which language a text is in, in upstream's list of languages. Knows nothing of documents.
 *
 * The detector's tables take about 45 MB and a quarter of a second to load, so they are loaded with
 * the first text that needs them, once per thread.
 */
import { LANGUAGES, type Language } from "../message/index.js";

/** Below this number of letters any answer is a guess. */
const LETTERS_MIN = 20;
/** The detector looks at no more characters than this. */
const LOOKED_AT_LENGTH = 1_000;

const KNOWN: ReadonlySet<string> = new Set(LANGUAGES);

/**
 * What the detector calls otherwise. It has one code for Malay and Indonesian, upstream the other.
 */
const RENAMED: ReadonlyMap<string, Language> = new Map<string, Language>([["ms", "id"]]);

/** Frequent characters that only one of the two Chinese scripts has, pair by pair. */
const TRADITIONAL = new Set(
  "這個們來時說會為學對發國過還後裡經動現開問無長東車頭見書語電話點機進樣種業",
);
const SIMPLIFIED = new Set(
  "这个们来时说会为学对发国过还后里经动现开问无长东车头见书语电话点机进样种业",
);

type Detect = (text: string) => { readonly language: string };
let detector: Promise<Detect> | undefined;

/** The language of a text, `unknown` when it has under 20 letters or none of the list fits. */
export async function detectLanguage(text: string): Promise<Language> {
  const start = firstLetters(text);
  if (start === undefined) return "unknown";
  detector ??= import("eld/small").then(({ eld }) => eld.detect);
  const { language } = (await detector)(start);
  if (language === "zh") return chineseScript(start);
  const name = RENAMED.get(language) ?? language;
  return KNOWN.has(name) ? (name as Language) : "unknown";
}

/** The text from its first letter on, as far as it is looked at; undefined with too few letters. */
function firstLetters(text: string): string | undefined {
  const first = text.search(/\p{Letter}/u);
  if (first < 0) return undefined;
  const start = text.slice(first, first + LOOKED_AT_LENGTH);
  const letters = start.match(/\p{Letter}/gu)?.length ?? 0;
  return letters < LETTERS_MIN ? undefined : start;
}

function chineseScript(text: string): Language {
  let balance = 0;
  for (const character of text) {
    if (TRADITIONAL.has(character)) balance++;
    else if (SIMPLIFIED.has(character)) balance--;
  }
  return balance > 0 ? "zh-tw" : "zh-cn";
}
