/**
 * One job on its way through a pipeline, from the moment its source handed it out until it can be
 * settled. Where the graph branches, copies of its message travel beside it: the job is answered
 * when all of them have arrived, and fails when one of them did.
 */
import type { AnnotationInput, IngestControlMessage } from "../message/index.js";
import type { CheckpointRun } from "./checkpoint/checkpoint-plan.js";
import type { DeliveryFacts } from "./source.js";

/** A message of a job in one branch of the graph. */
export interface Passage {
  readonly trip: Trip;
  message: IngestControlMessage;
  /** Its size, about, when it was last looked at. */
  bytes: number;
  /** The branch that is answered; the others carry copies. */
  readonly isMain: boolean;
  /** Its stages were ended, and it goes no further. */
  isCut: boolean;
}

/** Why a job fails, as an annotation tells it. */
export type FailureNote = AnnotationInput & { readonly message: string };

/** How a stop reaches the jobs in work. */
export interface Cutoffs {
  /** Ends stages. */
  readonly working: AbortController;
  /** Ends deliveries of results. */
  readonly delivering: AbortController;
  /** What becomes of jobs whose stages were ended. */
  unfinished: "release" | "fail";
}

export interface TripStart {
  readonly origin: IngestControlMessage;
  readonly delivery: DeliveryFacts;
  readonly cutoffs: Cutoffs;
  /** Told how many bytes the job holds more or less than before. */
  readonly onBytes: (delta: number) => void;
}

const IDENTITY_KEYS = ["job_id", "response_channel"];

export class Trip {
  /** As its source handed it out; names the job for the source and for observers. */
  readonly origin: IngestControlMessage;
  readonly delivery: DeliveryFacts;
  /** What ends its stages: the job is lost, or a stop has no more time. */
  readonly ends: readonly AbortSignal[];
  /** Resolves when the main branch has ended, with whether the result was delivered. */
  readonly isDelivered: Promise<boolean>;
  readonly #cutoffs: Cutoffs;
  readonly #onBytes: (delta: number) => void;
  readonly #identity: readonly (readonly [key: string, value: unknown])[];
  /** Where its stages leave checkpoints, if they do. */
  checkpoints: CheckpointRun | undefined;
  #endMain!: (isDelivered: boolean) => void;
  #sideCount = 0;
  #isCut = false;
  #sideFailure: FailureNote | undefined;
  #whenSidesEnded: (() => void) | undefined;

  constructor({ origin, delivery, cutoffs, onBytes }: TripStart) {
    const stopped = cutoffs.working.signal;
    this.origin = origin;
    this.delivery = delivery;
    this.ends = delivery.lost === undefined ? [stopped] : [delivery.lost, stopped];
    this.isDelivered = new Promise((resolve) => {
      this.#endMain = resolve;
    });
    this.#cutoffs = cutoffs;
    this.#onBytes = onBytes;
    const keys = IDENTITY_KEYS.filter((key) => origin.hasMetadata(key));
    this.#identity = keys.map((key) => [key, origin.getMetadata(key)]);
  }

  /** Whatever a stage did to a message, or returned instead, it answers the job that went in. */
  identify(message: IngestControlMessage): void {
    for (const [key, value] of this.#identity) message.setMetadata(key, value);
  }

  get isLost(): boolean {
    return this.delivery.lost?.aborted === true;
  }

  /** Whether what a stop cut off goes back to its queue instead of being answered. */
  get goesBack(): boolean {
    return this.isLost || this.#cutoffs.unfinished === "release";
  }

  get delivering(): AbortSignal {
    return this.#cutoffs.delivering.signal;
  }

  start(message: IngestControlMessage, bytes: number): Passage {
    return { trip: this, message, bytes, isMain: true, isCut: false };
  }

  /** A copy for another branch. */
  branch({ message, bytes }: Passage): Passage {
    this.#sideCount++;
    this.#onBytes(bytes);
    return { trip: this, message: message.copy(), bytes, isMain: false, isCut: false };
  }

  resized(passage: Passage, bytes: number): void {
    if (bytes === passage.bytes) return;
    this.#onBytes(bytes - passage.bytes);
    passage.bytes = bytes;
  }

  /**
   * A passage has come to its end: a sink, or where it was cut off.
   *
   * @param isDone its sink did its work; of the main one: the job may be acknowledged.
   */
  arrived(passage: Passage, isDone: boolean): void {
    this.#onBytes(-passage.bytes);
    this.#isCut ||= passage.isCut;
    if (passage.isMain) {
      this.#endMain(isDone);
      return;
    }
    this.#sideCount--;
    if (this.#sideCount === 0) this.#whenSidesEnded?.();
  }

  /** A side branch went wrong, which its job's result must tell. */
  sideFailed(note: FailureNote): void {
    this.#sideFailure ??= note;
  }

  /** Waits for the copies in other branches, and says how they fared. */
  async sides(): Promise<{ readonly isCut: boolean; readonly failure: FailureNote | undefined }> {
    if (this.#sideCount > 0) {
      await new Promise<void>((resolve) => {
        this.#whenSidesEnded = resolve;
      });
    }
    return { isCut: this.#isCut, failure: this.#sideFailure };
  }
}
