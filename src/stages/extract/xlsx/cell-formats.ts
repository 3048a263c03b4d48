/**
 * Shows numbers of a workbook: those that are dates by their format as dates, all others with their
 * digits, whatever colour, currency or rounding the format asks for.
 */
import { childrenOf, descend, type XmlElement } from "../ooxml/xml/xml-element.js";

type Kind = "number" | "date" | "time";

const DAY_MS = 86_400_000;
/** Day 0 of the two calendars that workbooks use. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** The calendar from 1900 has a 29 February 1900, which never was; days before it are one off. */
const FALSE_LEAP_DAY = 60;
/** 31 December 9999. */
const DAY_MAX = 2_958_466;
/** Doubles have noise in their last digits, which spreadsheets do not show. */
const DIGITS = 15;

export class CellFormats {
  readonly #kinds: readonly Kind[];
  readonly #is1904: boolean;

  /** @param styles the root of the part with the styles, where there is one. */
  constructor(styles: XmlElement | undefined, is1904: boolean) {
    const codes = new Map(
      childrenOf(descend(styles, "s:numFmts"), "s:numFmt").map(({ attributes }) => [
        Number(attributes.numFmtId),
        attributes.formatCode ?? "",
      ]),
    );
    this.#kinds = childrenOf(descend(styles, "s:cellXfs"), "s:xf").map(({ attributes }) => {
      const id = Number(attributes.numFmtId ?? 0);
      const code = codes.get(id);
      return code === undefined ? builtInKind(id) : kindOfCode(code);
    });
    this.#is1904 = is1904;
  }

  /** The number in a cell of the style; what is no number as it is. */
  show(value: string, style: number): string {
    const number = Number(value);
    if (value.trim() === "" || !Number.isFinite(number)) return value;
    const kind = this.#kinds[style] ?? "number";
    if (kind === "number" || number < 0 || number >= DAY_MAX) return shownNumber(value, number);
    return this.#shownDate(number, kind);
  }

  #shownDate(serial: number, kind: Kind): string {
    const shift = !this.#is1904 && serial < FALSE_LEAP_DAY ? 1 : 0;
    const epoch = this.#is1904 ? EPOCH_1904 : EPOCH_1900;
    // To the second: fractions of a day are not exact.
    const time = Math.round(((serial + shift) * DAY_MS) / 1_000) * 1_000;
    const [date = "", clock = ""] = new Date(epoch + time).toISOString().slice(0, 19).split("T");
    if (kind === "time" && serial < 1) return clock;
    return clock === "00:00:00" ? date : `${date} ${clock}`;
  }
}

function shownNumber(value: string, number: number): string {
  // Long numbers that were written out, such as those of accounts, stay as they are.
  return /^-?\d+$/.test(value) ? value : String(Number(number.toPrecision(DIGITS)));
}

function builtInKind(id: number): Kind {
  if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47)) return "time";
  const isDate = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58);
  return isDate ? "date" : "number";
}

/** By the letters of its first section, what is quoted or in brackets left out. */
function kindOfCode(code: string): Kind {
  const [section = ""] = code
    .slice(0, 1_000)
    .replaceAll(/"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, "")
    .split(";");
  const letters = section.toLowerCase().replaceAll(/am\/pm|a\/p/g, "");
  if (/[dy]/.test(letters) || (/m/.test(letters) && !/[hs]/.test(letters))) return "date";
  return /[hs]/.test(letters) ? "time" : "number";
}
