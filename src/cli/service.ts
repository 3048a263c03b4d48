/** Runs what lives until it is told to stop: says when it is ready, waits, stops, tells losses. */
import { ExitCode } from "./exit-codes.js";
import type { Output } from "./output.js";
import type { StopRequest } from "./signals.js";

/** What a stop may take beyond its promised time before the process is ended. */
const LIMIT_EXTRA_MS = 500;

/** A line for people, and the same for programs. */
export interface Announcement {
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface Service {
  start(): Promise<void>;
  /** Asked once it has started. */
  ready(): Announcement;
  /** Settles when it cannot go on; never, for most. */
  ended?(): Promise<void> | undefined;
  stop(): Promise<void>;
  /** Asked when it has stopped. */
  stopped(): Announcement;
  /** How long `stop` takes at most. */
  readonly stopTimeoutMs: number;
}

interface Means {
  readonly json: boolean;
  readonly output: Output;
  readonly stop: StopRequest;
}

/** @throws what `start` throws, and what ended the service before it was told to stop. */
export async function runService(
  service: Service,
  { json, output, stop }: Means,
): Promise<ExitCode> {
  const say = ({ text, facts }: Announcement) => (json ? output.json(facts) : output.line(text));
  const stopAsked = whenAborted(stop.signal);
  stopAsked.then(() => stop.limit(service.stopTimeoutMs + LIMIT_EXTRA_MS));
  await service.start();
  try {
    if (!stop.signal.aborted) say(service.ready());
    await Promise.race([stopAsked, service.ended?.() ?? stopAsked]);
  } finally {
    await service.stop();
  }
  say(service.stopped());
  return ExitCode.DONE;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** What the end of a memory broker has cost. */
export function droppedText(dropped: number): string {
  if (dropped === 0) return "stopped: nothing was queued, nothing is lost";
  const [messages, were, are] =
    dropped === 1 ? ["message", "was", "is"] : ["messages", "were", "are"];
  return `stopped: ${dropped} ${messages} ${were} queued in memory and ${are} lost`;
}

export const MEMORY_NOTE = "durability memory: queued messages are lost when this process ends";
