/** Makes names and causes from outside fit for a terminal. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with what moves the cursor, changes colours or turns the reading order made visible. */
export function printable(text: string): string {
  return text.replaceAll(
    CONTROL,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

/** Keeps the start and the end of a text that is too long, since names differ at both. */
export function shortened(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const tail = Math.floor((maxLength - 1) / 2);
  return `${text.slice(0, maxLength - 1 - tail)}…${text.slice(text.length - tail)}`;
}
