/** What must not be shown of a configuration, told by the names of keys and variables. */

const SECRET_WORD =
  /(?:key|token|secret|password|passwd|passphrase|authori[sz]ation|credential|cookie)s?$/i;
const PLACE_WORD = /^(?:file|dir|path)$/i;
/** Counts, not secrets: `maxTokens: 512`. */
const COUNTED_WORD = /(?:key|token)s$/i;
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi;

export const HIDDEN = "(hidden)";

/** Whether a key or variable of this name holds what must stay unseen. */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  // Where a secret lies is none.
  return !PLACE_WORD.test(words.at(-1) ?? "") && words.some((word) => SECRET_WORD.test(word));
}

/** Whether the value at this path must stay unseen. */
export function isSecretPath(path: readonly PropertyKey[], value: unknown): boolean {
  // Yes and no are no secrets.
  if (typeof value === "boolean") return false;
  return path.some((key) => {
    if (typeof key !== "string" || !isSecretName(key)) return false;
    const isCount =
      typeof value === "number" && wordsOf(key).some((word) => COUNTED_WORD.test(word));
    return !isCount;
  });
}

/** The text without the names and passwords in its URLs. */
export function withoutUrlPasswords(text: string): string {
  return text.replaceAll(URL_PASSWORD, "$1…@");
}

/** `ngcApiKey` and `NGC_API_KEY` are three words. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== "");
}
