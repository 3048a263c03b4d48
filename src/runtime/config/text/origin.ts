/** Where the values of a pipeline file come from, for people who look for them. */
export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** Where a value of a file stands, and what was put into it. */
export interface Place {
  /** Missing for members of lists. */
  readonly key?: Position;
  readonly value: Position;
  /** As it was written, when variables were put into it. */
  readonly written?: string;
  /** Variables whose value was taken. */
  readonly set: readonly string[];
  /** Variables that were asked for and hold nothing. */
  readonly unset: readonly string[];
}

export type Path = readonly PropertyKey[];

/** The places of the values of one file, by their paths. */
export class Places {
  readonly #byPath: Map<string, Place>;
  readonly #placeOf: (path: Path) => Path;

  constructor(byPath = new Map<string, Place>(), placeOf = (path: Path) => path) {
    this.#byPath = byPath;
    this.#placeOf = placeOf;
  }

  /** The same, for values that have been moved since: `placeOf` tells where they were. */
  movedBy(placeOf: (path: Path) => Path): Places {
    return new Places(this.#byPath, placeOf);
  }

  set(path: Path, place: Place): void {
    this.#byPath.set(keyOf(path), place);
  }

  get(path: Path): Place | undefined {
    return this.#byPath.get(keyOf(this.#placeOf(path)));
  }

  /** That of the value itself, else of the nearest one around it. */
  nearest(path: Path): { readonly place: Place; readonly isExact: boolean } | undefined {
    for (let length = path.length; length >= 0; length--) {
      const place = this.get(path.slice(0, length));
      if (place !== undefined) return { place, isExact: length === path.length };
    }
    return undefined;
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path.map(String));
}

/** `stages[2].config.fields` */
export function pathText(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      const name = /^[A-Za-z_][\w-]*$/.test(String(key))
        ? String(key)
        : JSON.stringify(String(key));
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}
