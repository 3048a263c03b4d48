/** Runs what lives until it is told to stop: says when it is ready, waits, stops, tells losses. */
import type { Durability } from "../broker/index.js";
import { ExitCode } from "./exit-codes.js";
import type { Output } from "./output.js";
import { printable } from "./printable.js";
import type { StopRequest } from "./signals.js";
import { type ReadStatus, tellStatus } from "./status.js";

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
  /** How it is doing; asked once a second while it runs, where somebody watches. */
  readonly status?: ReadStatus;
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
  readonly showsStatus: boolean;
}

/** @throws what `start` throws, and what ended the service before it was told to stop. */
export async function runService(
  service: Service,
  { json, output, stop, showsStatus }: Means,
): Promise<ExitCode> {
  const say = ({ text, facts }: Announcement) => (json ? output.json(facts) : output.line(text));
  const stopAsked = whenAborted(stop.signal);
  stopAsked.then(() => stop.limit(service.stopTimeoutMs + LIMIT_EXTRA_MS));
  await service.start();
  let endStatus = () => {};
  try {
    if (!stop.signal.aborted) {
      say(service.ready());
      if (showsStatus && service.status !== undefined) endStatus = tellStatus(service.status);
    }
    await Promise.race([stopAsked, service.ended?.() ?? stopAsked]);
  } finally {
    endStatus();
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

/** Where metrics are served, for the end of a line that says that all is ready. */
export function metricsNote(metricsUrl: string | undefined): string {
  return metricsUrl === undefined ? "" : `, metrics ${metricsUrl}`;
}

/** The same for programs. */
export function metricsFacts(metricsUrl: string | undefined): { metricsUrl?: string } {
  return metricsUrl === undefined ? {} : { metricsUrl };
}

/** What the end of a broker means for what it held. */
export function leftText({ dropped, kept, dataDir }: LeftBehind): string {
  if (kept > 0) return `stopped: ${count(kept, "message")} kept in ${printable(dataDir)}`;
  if (dropped === 0) return "stopped: nothing was queued, nothing is lost";
  const are = dropped === 1 ? "was queued in memory and is" : "were queued in memory and are";
  return `stopped: ${count(dropped, "message")} ${are} lost`;
}

export interface LeftBehind {
  /** Messages that were in memory only. */
  readonly dropped: number;
  /** Messages that the next start finds again. */
  readonly kept: number;
  readonly dataDir: string;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a crash or a power cut would cost, for people who read the first line only. */
export function durabilityNote(durability: Durability, dataDir: string): string {
  const note = {
    fsync: `messages are on the disk in ${printable(dataDir)}`,
    os: `messages are in ${printable(dataDir)}; a power cut may lose the last ones`,
    memory: "queued messages are lost when this process ends",
  }[durability];
  return `durability ${durability}: ${note}`;
}
