/** How many replicas upstream's forms stand for, as a concurrency of ours. Pure. */
import { z } from "zod";

const Count = z.int().min(0);
const Limit = z.int().min(1).optional();

const Strategy = z.discriminatedUnion("strategy", [
  z.strictObject({ strategy: z.literal("static"), value: Count }),
  z.strictObject({
    strategy: z.literal("cpu_percentage"),
    cpu_percent: z.number().min(0).max(1),
    limit: Limit,
  }),
  z.strictObject({
    strategy: z.enum(["memory_thresholding", "memory_static_global_percent"]),
    memory_per_replica_mb: z.number().min(1),
    limit: Limit,
  }),
]);
const CountOrStrategy = z.union([Count, Strategy]).meta({ typeText: "a number or a strategy" });

export const UpstreamReplicas = z.strictObject({
  cpu_count_min: Count.optional(),
  cpu_count_max: Count.optional(),
  cpu_percent_min: z.number().min(0).max(1).optional(),
  cpu_percent_max: z.number().min(0).max(1).optional(),
  min_replicas: Count.optional(),
  max_replicas: CountOrStrategy.optional(),
  static_replicas: CountOrStrategy.optional(),
});
type UpstreamReplicas = z.output<typeof UpstreamReplicas>;

/** What percentages are taken of. */
export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Share of the memory that replicas may take in all. */
const DYNAMIC_MEMORY = 0.8;
const STATIC_MEMORY = 0.7;
const CONCURRENCY_MAX = 10_000;

/** @param isDynamic whether the number may follow the load; else it is fixed. */
export function concurrencyOf(
  replicas: UpstreamReplicas,
  isDynamic: boolean,
  machine: Machine,
): number | { min: number; max: number } {
  const { cpu_count_min: countMin, cpu_count_max: countMax, min_replicas: min } = replicas;
  const shareOf = (percent: number | undefined) =>
    percent === undefined ? undefined : Math.floor(machine.cores * percent);
  const least = bounded(min ?? countMin ?? shareOf(replicas.cpu_percent_min) ?? 1);
  const count = (given: z.output<typeof CountOrStrategy> | undefined, share: number) =>
    given === undefined ? undefined : countOf(given, machine.memoryBytes * share, machine);
  const percentMax = shareOf(replicas.cpu_percent_max);
  const most = count(replicas.max_replicas, DYNAMIC_MEMORY) ?? countMax ?? percentMax ?? least;
  const fixed = count(replicas.static_replicas, STATIC_MEMORY) ?? most;
  if (!isDynamic) return bounded(fixed);
  return { min: least, max: Math.max(least, bounded(most)) };
}

function countOf(
  given: z.output<typeof CountOrStrategy>,
  memoryBytes: number,
  { cores }: Machine,
): number {
  if (typeof given === "number") return given;
  if (given.strategy === "static") return given.value;
  const { limit = CONCURRENCY_MAX } = given;
  const wanted =
    given.strategy === "cpu_percentage"
      ? cores * given.cpu_percent
      : memoryBytes / (given.memory_per_replica_mb * 2 ** 20);
  return Math.min(Math.max(1, Math.floor(wanted)), limit);
}

function bounded(count: number): number {
  return Math.min(Math.max(1, count), CONCURRENCY_MAX);
}
