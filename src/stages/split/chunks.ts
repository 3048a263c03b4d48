/** The chunks of all texts of a job as offsets, with a bound on how many and how much they are. */
import { StagesErrors } from "../errors.js";
import { OffsetList } from "./offset-list.js";

export interface ChunkLimits {
  readonly maxChunks: number;
  readonly maxTotalChars: number;
}

/** Counts for one job, whatever number of texts it has. */
export class ChunkBudget {
  readonly #limits: ChunkLimits;
  #chunks = 0;
  #chars = 0;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  /** @throws STAGES_SPLIT_TOO_LARGE */
  take(chars: number): void {
    const { maxChunks, maxTotalChars } = this.#limits;
    this.#chunks += 1;
    this.#chars += chars;
    if (this.#chunks > maxChunks) {
      throw StagesErrors.SPLIT_TOO_LARGE({ what: "chunks", limit: maxChunks, option: "maxChunks" });
    }
    if (this.#chars > maxTotalChars) {
      const option = "maxTotalChars";
      throw StagesErrors.SPLIT_TOO_LARGE({ what: "characters", limit: maxTotalChars, option });
    }
  }
}

/** The chunks of one text, in order; empty ones are passed over. */
export class Chunks {
  readonly #offsets = new OffsetList(64);
  readonly #budget: ChunkBudget;

  constructor(budget: ChunkBudget) {
    this.#budget = budget;
  }

  push(from: number, to: number): void {
    if (to <= from) return;
    this.#budget.take(to - from);
    this.#offsets.push(from);
    this.#offsets.push(to);
  }

  /** Start and end of each in turn. */
  toOffsets(): Int32Array<ArrayBuffer> {
    return this.#offsets.toArray();
  }
}
