/** One number, or one per name, that is read when somebody asks for metrics. */

/** Numbers by the value of a label; what is undefined is not told. */
export type Labelled = Readonly<Record<string, number | undefined>>;

interface Described {
  /** In base units; ends in `_total` when it only rises. */
  readonly name: string;
  readonly help: string;
}

export type Reading<Facts> = Described &
  (
    | { readonly by?: undefined; readonly read: (facts: Facts) => number | undefined }
    | { readonly by: string; readonly read: (facts: Facts) => Labelled }
  );

/** The same number of each thing that has a name. */
export function each<Thing>(
  things: Readonly<Record<string, Thing>>,
  read: (thing: Thing) => number | undefined,
): Labelled {
  return Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, read(thing)]));
}

/** The sum of a number of things whose shapes are not known; undefined when none of them has it. */
export function sumIn(things: readonly object[], key: string): number | undefined {
  const known = things.flatMap((stats) => numberIn(stats, key) ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}

function numberIn(stats: object, key: string): number | undefined {
  const value: unknown = Reflect.get(stats, key);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
