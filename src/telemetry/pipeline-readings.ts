/** What is read of a pipeline, its stages, its sources, its sinks and its threads. */
import type { PipelineFacts } from "./facts.js";
import { each, type Reading, sumIn } from "./reading.js";

const CIRCUIT_STATES: Readonly<Record<string, number>> = { closed: 0, "half-open": 1, open: 2 };

const STAGES: readonly Reading<PipelineFacts>[] = [
  {
    name: "millrace_stage_in_flight",
    help: "Messages that the stage works on.",
    by: "stage",
    read: ({ stages }) => each(stages, ({ inFlight }) => inFlight),
  },
  {
    name: "millrace_stage_waiting",
    help: "Messages that wait in the inbox of the stage.",
    by: "stage",
    read: ({ stages }) => each(stages, ({ waiting }) => waiting),
  },
  {
    name: "millrace_stage_waiting_bytes",
    help: "Size of the messages that wait in the inbox of the stage, about.",
    by: "stage",
    read: ({ stages }) => each(stages, ({ waitingBytes }) => waitingBytes),
  },
  {
    name: "millrace_stage_concurrency_limit",
    help: "Messages that the stage may work on at a time.",
    by: "stage",
    read: ({ stages }) => each(stages, ({ concurrency }) => concurrency),
  },
];

const sourcesOf = ({ source, sources }: PipelineFacts) => Object.values(sources ?? { source });
const sinksOf = ({ sink, sinks }: PipelineFacts) => Object.values(sinks ?? { sink });

/** Where there are several sources or sinks, all of them together. */
const ENDS: readonly Reading<PipelineFacts>[] = [
  {
    name: "millrace_source_messages_total",
    help: "Jobs that the source handed out.",
    read: (facts) => sumIn(sourcesOf(facts), "messageCount"),
  },
  {
    name: "millrace_source_invalid_total",
    help: "Jobs that could not be opened; their clients get a failed result.",
    read: (facts) => sumIn(sourcesOf(facts), "invalidCount"),
  },
  {
    name: "millrace_source_unanswerable_total",
    help: "Texts without a readable job id, which were dropped.",
    read: (facts) => sumIn(sourcesOf(facts), "unanswerableCount"),
  },
  {
    name: "millrace_source_fetch_errors_total",
    help: "Fetches that failed.",
    read: (facts) => sumIn(sourcesOf(facts), "fetchErrorCount"),
  },
  {
    name: "millrace_sink_results_total",
    help: "Results delivered, by what they say.",
    by: "outcome",
    read: (facts) => {
      const all = sumIn(sinksOf(facts), "messageCount");
      const failed = sumIn(sinksOf(facts), "failedCount");
      if (all === undefined || failed === undefined) return {};
      return { success: Math.max(0, all - failed), failed };
    },
  },
  {
    name: "millrace_sink_sent_bytes_total",
    help: "Bytes of the results delivered.",
    read: (facts) => sumIn(sinksOf(facts), "bytesSent"),
  },
  {
    name: "millrace_sink_undeliverable_total",
    help: "Results that could not be delivered.",
    read: (facts) => sumIn(sinksOf(facts), "undeliverableCount"),
  },
  {
    name: "millrace_sink_late_total",
    help: "Results that came when their job was over or somebody else's.",
    read: (facts) => sumIn(sinksOf(facts), "lateCount"),
  },
];

const THREADS: readonly Reading<PipelineFacts>[] = [
  {
    name: "millrace_threads",
    help: "Threads in the pool.",
    read: ({ workers }) => workers?.threads,
  },
  {
    name: "millrace_threads_running",
    help: "Tasks that threads work on.",
    read: ({ workers }) => workers?.running,
  },
  {
    name: "millrace_threads_waiting",
    help: "Tasks that wait for a thread.",
    read: ({ workers }) => workers?.waiting,
  },
  {
    name: "millrace_thread_tasks_total",
    help: "Tasks that ended in threads.",
    by: "outcome",
    read: ({ workers }) => {
      if (workers === undefined) return {};
      const { completed, failed, aborted } = workers;
      return { completed, failed, aborted };
    },
  },
];

export const PIPELINE_READINGS: readonly Reading<PipelineFacts>[] = [
  {
    name: "millrace_pipeline_running",
    help: "1 while the pipeline takes work, else 0.",
    read: ({ running }) => Number(running),
  },
  {
    name: "millrace_jobs_in_flight",
    help: "Jobs in work.",
    read: ({ inFlight }) => inFlight,
  },
  {
    name: "millrace_in_flight_bytes",
    help: "Size of the jobs in work, about.",
    read: ({ bytesInFlight }) => bytesInFlight,
  },
  {
    name: "millrace_idle_seconds",
    help: "Since the pipeline last took or asked for work.",
    read: ({ idleSeconds }) => idleSeconds ?? undefined,
  },
  {
    name: "millrace_circuit_state",
    help: "State of the circuit breaker of an endpoint: 0 closed, 1 half-open, 2 open.",
    by: "endpoint",
    read: ({ circuits = {} }) => circuitStates(circuits),
  },
  ...STAGES,
  ...ENDS,
  ...THREADS,
];

/** Endpoints that differ only in what is not shown count as one, in the worst of their states. */
function circuitStates(circuits: Readonly<Record<string, string>>): Record<string, number> {
  const states = new Map<string, number>();
  for (const [endpoint, state] of Object.entries(circuits)) {
    const shown = withoutSecrets(endpoint);
    states.set(shown, Math.max(states.get(shown) ?? 0, CIRCUIT_STATES[state] ?? 0));
  }
  return Object.fromEntries(states);
}

/** A URL may carry a password before its host and a key after its path. */
function withoutSecrets(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint;
  const { origin, pathname } = new URL(endpoint);
  return origin === "null" ? endpoint : `${origin}${pathname}`;
}
