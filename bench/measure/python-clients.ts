/** The process with the unmodified Python client; a new one when threads of the last one hang. */
import type { Processes, Remote } from "../remote.js";

export interface PythonLoad {
  readonly port: number;
  readonly operation: string;
  readonly threads: number;
  readonly durationMs: number;
  readonly warmUpMs?: number;
  readonly countMax?: number;
  readonly queueName?: string;
  readonly job?: object;
}

export interface PythonResult {
  readonly count: number;
  /** Operations that ended well, those of the warm-up too. */
  readonly stored: number;
  readonly errors: number;
  readonly perSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly isStuck: boolean;
}

export class PythonClients {
  readonly #processes: Processes;
  readonly #python: string;
  #client: Remote | undefined;

  constructor(processes: Processes, python: string) {
    this.#processes = processes;
    this.#python = python;
  }

  async load(load: PythonLoad): Promise<PythonResult> {
    this.#client ??= await this.#processes.python(this.#python, "python/load.py");
    const result = await this.#client.call<PythonResult>("load", load, load.durationMs + 30_000);
    if (result.isStuck) {
      await this.#client.end();
      this.#client = undefined;
    }
    return result;
  }
}
