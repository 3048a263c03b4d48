/**
 * The lifecycle that brokers, sources, sinks, clients and pipelines share.
 *
 * idle → starting → running → draining → stopped → (start again) starting …
 *            └→ failed → (start again) starting
 *
 * Constructors touch nothing outside themselves. `start()` called twice returns the same promise;
 * when it fails the component is `failed` and may be started again. `stop()` of something never
 * started, or stopped twice, does no harm; during start it waits for start.
 */
export type ComponentState = "idle" | "starting" | "running" | "draining" | "stopped" | "failed";

export abstract class Component<StopOptions = void> implements AsyncDisposable {
  #state: ComponentState = "idle";
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  get state(): ComponentState {
    return this.#state;
  }

  /** Resolves when the component is useful. */
  start(): Promise<void> {
    if (this.#starting === undefined) {
      const stopped = this.#stopping;
      this.#stopping = undefined;
      const starting = this.#startAfter(stopped).catch((error: unknown) => {
        // A stop and another start may have come meanwhile; that start is not the one that failed.
        if (this.#starting === starting) this.#starting = undefined;
        throw error;
      });
      this.#starting = starting;
    }
    return this.#starting;
  }

  /** Resolves when nothing of the component is left: no handle, no timer, no listener. */
  stop(options?: StopOptions): Promise<void> {
    if (this.#stopping === undefined) {
      const started = this.#starting;
      if (started === undefined) {
        this.#state = "stopped";
        return Promise.resolve();
      }
      this.#starting = undefined;
      this.#stopping = (async () => {
        try {
          await started;
        } catch {
          return;
        }
        this.#state = "draining";
        try {
          await this.onStop(options);
        } finally {
          this.#state = "stopped";
        }
      })();
    }
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #startAfter(stopped: Promise<void> | undefined): Promise<void> {
    // Whoever stopped was told how that went; it does not keep the component from a new life.
    await stopped?.catch(() => {});
    this.#state = "starting";
    try {
      await this.onStart();
      this.#state = "running";
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
  }

  /** Does the work of `start()`. On failure it must undo what it did before it throws. */
  protected abstract onStart(): Promise<void>;

  /** Does the work of `stop()`; called only after a successful start. */
  protected abstract onStop(options: StopOptions | undefined): Promise<void>;
}
