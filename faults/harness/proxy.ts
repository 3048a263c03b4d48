/**
 * A TCP proxy between clients and a broker that does what networks do: cuts, resets in the middle of
 * a frame, delays, or swallows everything and leaves both sides believing. What it does to each
 * connection is asked when the connection comes.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Trial } from "./fault.js";
import { FrameCounter } from "./frame-counter.js";

/** What is done to one connection. */
export interface Plan {
  /** Both sides are cut when so much of the broker's frame number `frame`, from 1, has passed. */
  readonly cutAnswer?: { readonly frame: number; readonly byte: number };
  /** The same for the client's frames. */
  readonly cutRequest?: { readonly frame: number; readonly byte: number };
  /** How a cut ends each side. */
  readonly with?: "reset" | "close";
  /** Called at a cut, before it is done. */
  readonly onCut?: () => void;
  /** Each piece waits so many milliseconds, in both directions. */
  readonly delayMs?: number;
}

export type Direction = "up" | "down";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  isSwallowing: Record<Direction, boolean>;
}

export class FaultProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #targetPort: () => number;
  /** Asked for each connection; numbers rise from 0. */
  plan: (connection: number) => Plan = () => ({});
  connections = 0;
  cuts = 0;

  private constructor(targetPort: () => number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => this.#join(near));
  }

  /** @param targetPort asked for each connection: a broker may come back at another one. */
  static async start(trial: Trial, targetPort: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    await new Promise<void>((resolve) => {
      proxy.#server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve);
    });
    trial.defer(() => proxy.close());
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** From now on what comes is thrown away and both sides stay open: the peer has vanished. */
  swallow(directions: readonly Direction[] = ["up", "down"]): void {
    for (const { isSwallowing } of this.#pairs) {
      for (const direction of directions) isSwallowing[direction] = true;
    }
  }

  /** Ends every connection. */
  cutAll(how: "reset" | "close" = "reset"): void {
    for (const pair of this.#pairs) this.#cut(pair, how);
  }

  async close(): Promise<void> {
    this.cutAll();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const plan = this.plan(this.connections++);
    const port = this.#targetPort();
    const far = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
    const pair: Pair = { near, far, isSwallowing: { up: false, down: false } };
    this.#pairs.add(pair);
    for (const socket of [near, far]) {
      socket.on("error", () => {});
      socket.on("close", (hadError) => {
        if (!pair.isSwallowing.down) this.#cut(pair, hadError ? "reset" : "close");
        if (near.destroyed && far.destroyed) this.#pairs.delete(pair);
      });
    }
    const cut = () => {
      this.cuts++;
      plan.onCut?.();
      this.#cut(pair, plan.with ?? "reset");
    };
    this.#pass(pair, "up", { at: plan.cutRequest, delayMs: plan.delayMs, cut });
    this.#pass(pair, "down", { at: plan.cutAnswer, delayMs: plan.delayMs, cut });
  }

  #pass(
    pair: Pair,
    direction: Direction,
    means: {
      readonly at: { readonly frame: number; readonly byte: number } | undefined;
      readonly delayMs: number | undefined;
      readonly cut: () => void;
    },
  ): void {
    const [from, to] = direction === "up" ? [pair.near, pair.far] : [pair.far, pair.near];
    const counter = means.at && new FrameCounter(means.at);
    const later = (action: () => void) => {
      if (means.delayMs === undefined) action();
      else setTimeout(action, means.delayMs).unref();
    };
    from.on("data", (chunk: Buffer) => {
      if (pair.isSwallowing[direction]) return;
      const passed = counter?.pass(chunk);
      later(() => {
        if (passed === undefined) {
          if (!to.write(chunk)) {
            from.pause();
            to.once("drain", () => from.resume());
          }
          return;
        }
        // What comes before the cut arrives, so it is sent first and the end waits for it.
        if (passed > 0) to.write(chunk.subarray(0, passed), means.cut);
        else means.cut();
        from.pause();
      });
    });
    from.on("end", () => {
      if (!pair.isSwallowing[direction]) later(() => to.end());
    });
  }

  #cut({ near, far }: Pair, how: "reset" | "close"): void {
    for (const socket of [near, far]) {
      if (socket.destroyed) continue;
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}
