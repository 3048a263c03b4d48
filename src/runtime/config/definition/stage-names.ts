/** The names that the stages of a definition have, also of one that is full of faults. */
import { LOCAL_STAGES } from "./known-stages.js";
import type { Use } from "./pipeline-definition.js";

type Loose = Readonly<Record<string, unknown>>;

export interface WrittenStage {
  readonly index: number;
  readonly stage: Loose;
  /** Undefined when neither a name nor anything to run can be read. */
  readonly name: string | undefined;
}

/** Only what can be looked at: the rest has its fault from the schema. */
export function writtenStages(given: unknown): WrittenStage[] {
  const { stages = LOCAL_STAGES.map((use) => ({ use })) } = isMap(given) ? given : {};
  if (!Array.isArray(stages)) return [];
  return stages.flatMap((stage: unknown, index) => {
    if (!isMap(stage)) return [];
    const { name: given, use } = stage;
    const name = typeof given === "string" ? given : undefined;
    const hasUse = typeof use === "string" || typeof use === "function" || isMap(use);
    return [{ stage, index, name: hasUse ? nameOf({ name, use: use as Use }, index) : name }];
  });
}

/** Its own, or the last part of what it uses: `redact` of `./redact.js`, `words` of `redactors#words`. */
export function nameOf(
  { name, use }: { readonly name?: string | undefined; readonly use: Use },
  index: number,
): string {
  if (name !== undefined) return name;
  if (typeof use !== "string") return use.name || `function_${index + 1}`;
  const [module = "", exported] = use.split("#");
  const file = (module.split(/[\\/]/).at(-1) as string).replace(/\.[cm]?[jt]s$/, "");
  return exported || file || `stage_${index + 1}`;
}

export function isMap(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
