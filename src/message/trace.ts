/** The keys of timestamps. What writes them decides when; what reads them decides who sees them. */

/** Every timestamp whose key starts so goes out with the result when tracing is on. */
export const TRACE_PREFIX = "trace::";

/** End of the previous stage. It never leaves the process, as it lacks the prefix. */
export const LATENCY_TS_SEND = "latency::ts_send";

/** Metadata key of the flag that tracing is on. */
export const TRACE_TAGGING = "config::add_trace_tagging";

/** The names under which a source's work and the way to it stand in traces. */
export const SOURCE_TRACE_NAME = "message_broker_task_source";
export const NETWORK_TRACE_NAME = "broker_source_network_in";

/** When the work of `stage` began. */
export function entryKey(stage: string): string {
  return `trace::entry::${stage}`;
}

/** When the work of `stage` ended; not written when it failed. */
export function exitKey(stage: string): string {
  return `trace::exit::${stage}`;
}

/** When the wait before `stage` began: the end of the stage before it. */
export function channelInEntryKey(stage: string): string {
  return `trace::entry::${stage}_channel_in`;
}

/** When the wait before `stage` ended. */
export function channelInExitKey(stage: string): string {
  return `trace::exit::${stage}_channel_in`;
}
