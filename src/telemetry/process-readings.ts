/** What is read of the process. Names are those that dashboards for Node know, where they fit. */
import type { ProcessUsage } from "../core/index.js";
import type { EventLoopLag } from "./event-loop-lag.js";
import type { Reading } from "./reading.js";

export interface ProcessFacts {
  readonly usage: ProcessUsage;
  /** Seconds since 1970. */
  readonly startedAtSeconds: number;
  readonly lag: EventLoopLag | undefined;
}

export const PROCESS_READINGS: readonly Reading<ProcessFacts>[] = [
  {
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since 1970.",
    read: ({ startedAtSeconds }) => startedAtSeconds,
  },
  {
    name: "process_cpu_user_seconds_total",
    help: "Processor time of the process in its own code.",
    read: ({ usage }) => usage.userCpuSeconds,
  },
  {
    name: "process_cpu_system_seconds_total",
    help: "Processor time of the process in the system.",
    read: ({ usage }) => usage.systemCpuSeconds,
  },
  {
    name: "process_cpu_seconds_total",
    help: "Processor time of the process.",
    read: ({ usage }) => usage.userCpuSeconds + usage.systemCpuSeconds,
  },
  {
    name: "process_resident_memory_bytes",
    help: "Memory that the process holds, all threads together.",
    read: ({ usage }) => usage.residentBytes,
  },
  {
    name: "nodejs_heap_size_total_bytes",
    help: "Size of the heap of the main thread.",
    read: ({ usage }) => usage.heapTotalBytes,
  },
  {
    name: "nodejs_heap_size_used_bytes",
    help: "What of the heap of the main thread is in use.",
    read: ({ usage }) => usage.heapUsedBytes,
  },
  {
    name: "nodejs_external_memory_bytes",
    help: "Memory outside of the heap: buffers, mostly.",
    read: ({ usage }) => usage.externalBytes,
  },
  {
    name: "millrace_event_loop_lag_p50_seconds",
    help: "Median delay of the event loop since the last time metrics were read.",
    read: ({ lag }) => lag?.p50Seconds,
  },
  {
    name: "millrace_event_loop_lag_p99_seconds",
    help: "99th percentile of the delay of the event loop since the last time metrics were read.",
    read: ({ lag }) => lag?.p99Seconds,
  },
  {
    name: "millrace_event_loop_lag_max_seconds",
    help: "Longest delay of the event loop since the last time metrics were read.",
    read: ({ lag }) => lag?.maxSeconds,
  },
];
