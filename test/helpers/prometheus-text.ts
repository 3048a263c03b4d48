/** Reads the text format of Prometheus as strictly as it is written down; whatever is odd throws. */

export interface Family {
  readonly type: string;
  readonly help: string;
}

export interface Scrape {
  readonly families: ReadonlyMap<string, Family>;
  /** By name and labels in order of their names: `name{a="x"}`, values unescaped. */
  readonly values: ReadonlyMap<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const SUFFIXES = ["", "_bucket", "_sum", "_count"] as const;

export function parsePrometheusText(text: string): Scrape {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  const values = new Map<string, number>();
  let help: { readonly name: string; readonly text: string } | undefined;
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (line === "") continue;
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") help = { name, text: rest };
    else if (kind === "TYPE") {
      if (help?.name !== name) throw new Error(`no HELP before the TYPE of ${name}`);
      if (families.has(name)) throw new Error(`${name} is told twice`);
      if (!/^(?:counter|gauge|histogram)$/.test(rest)) throw new Error(`type ${rest} of ${name}`);
      if ((rest === "counter") !== name.endsWith("_total")) throw new Error(`${name} is a ${rest}`);
      families.set(name, { type: rest, help: help.text });
      current = name;
    } else if (line.startsWith("#")) throw new Error(`odd comment: ${line}`);
    else addSample(line, { current, families, values });
  }
  return { families, values };
}

interface Reading {
  readonly current: string;
  readonly families: ReadonlyMap<string, Family>;
  readonly values: Map<string, number>;
}

function addSample(line: string, { current, families, values }: Reading): void {
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new Error(`no name: ${line}`);
  const isHistogram = families.get(current)?.type === "histogram";
  const suffixes = isHistogram ? SUFFIXES.slice(1) : SUFFIXES.slice(0, 1);
  if (!suffixes.some((suffix) => `${current}${suffix}` === name)) {
    throw new Error(`${name} is not of ${current}`);
  }
  const { labels, rest } = readLabels(line.slice(name.length));
  const [, value] = /^ (\S+)$/.exec(rest) ?? [];
  if (value === undefined || !VALUE.test(value)) throw new Error(`no value: ${line}`);
  const key = seriesKey(name, labels);
  if (values.has(key)) throw new Error(`${key} is there twice`);
  values.set(key, Number(value.replace("Inf", "Infinity")));
}

function readLabels(text: string): { labels: Record<string, string>; rest: string } {
  const labels: Record<string, string> = {};
  if (!text.startsWith("{")) return { labels, rest: text };
  let at = 1;
  while (text[at] !== "}") {
    const found = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/.exec(text.slice(at));
    if (found === null) throw new Error(`labels cannot be read: ${text}`);
    const [all, label = "", escaped = ""] = found;
    if (Object.hasOwn(labels, label)) throw new Error(`label ${label} is there twice: ${text}`);
    labels[label] = escaped.replaceAll(/\\(.)/g, (_, of) => (of === "n" ? "\n" : of));
    at += all.length;
    if (text[at] === ",") at++;
    else if (text[at] !== "}") throw new Error(`labels do not end: ${text}`);
  }
  return { labels, rest: text.slice(at + 1) };
}

/** How a series is called in `Scrape.values`. */
export function seriesKey(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0
    ? name
    : `${name}{${pairs.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",")}}`;
}
