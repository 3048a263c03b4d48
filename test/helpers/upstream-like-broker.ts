/**
 * A stand-in for the original broker, as small as it can be: one request per connection and a close
 * after the last answer, no features, and a POP on an empty queue answered at once. What it shall do
 * wrong is told by its options.
 */
import { createServer, type Socket } from "node:net";
import { FrameReader } from "../../src/wire/index.js";
import { frameOf } from "./raw-peer.js";
import type { Cleanup } from "./start-broker.js";

export interface UpstreamLikeOptions {
  /** What an empty queue is answered; code 2 "Job not ready" unless given. */
  readonly empty?: { readonly code: number; readonly reason: string };
  /** How many ACKs are taken without a word, the connection being closed instead. */
  readonly finalsLost?: number;
  /** How many requests are read without a word, the connection being closed instead. */
  readonly requestsLost?: number;
}

export interface UpstreamLikeBroker {
  readonly port: number;
  /** The commands that came, in order. */
  readonly commands: readonly string[];
  /** What is ready, by queue. */
  readonly queues: ReadonlyMap<string, readonly string[]>;
}

interface Request {
  readonly command: string;
  readonly queue_name: string;
  readonly message: string;
}

export async function startUpstreamLike(
  t: Cleanup,
  options: UpstreamLikeOptions = {},
): Promise<UpstreamLikeBroker> {
  const { empty = { code: 2, reason: "Job not ready" } } = options;
  const queues = new Map<string, string[]>();
  const commands: string[] = [];
  let requestsLost = options.requestsLost ?? 0;
  let finalsLost = options.finalsLost ?? 0;
  let lastId = 0;

  const port = await startServer(t, async (socket) => {
    const next = framesOf(socket);
    const { command, queue_name, message } = (await next()) as Request;
    commands.push(command);
    if (command !== "PING" && requestsLost-- > 0) return;
    const queue = queues.get(queue_name) ?? [];
    const id = `00000000-0000-4000-8000-${String(++lastId).padStart(12, "0")}`;
    const commit = async (first: string, final: string, work: () => void) => {
      socket.write(answer({ response: first, id }));
      const { ack, transaction_id } = (await next()) as { ack: boolean; transaction_id: string };
      if (!ack || transaction_id !== id) {
        socket.end(answer({ code: 1, reason: "ACK not received.", id }));
        return false;
      }
      work();
      if (finalsLost-- <= 0) socket.end(answer({ response: final, id }));
      return true;
    };
    if (command === "PING") socket.end(answer({ response: "PONG" }));
    else if (command === "SIZE") socket.end(answer({ response: String(queue.length) }));
    else if (command === "POP") {
      const first = queue.shift();
      if (first === undefined) socket.end(answer(empty));
      else if (!(await commit(first, "Data processed.", () => {}).catch(() => false))) {
        queue.unshift(first);
      }
    } else {
      const isJob = command === "PUSH_FOR_NV_INGEST";
      const text = isJob ? JSON.stringify({ ...JSON.parse(message), job_id: id }) : message;
      await commit("Transaction initiated. Waiting for ACK.", "Data stored.", () => {
        queues.set(queue_name, [...queue, text]);
      });
    }
  });
  return { port, commands, queues };
}

/** A server on a free port; `serve` gets each connection, which ends when it is through. */
export async function startServer(
  t: Cleanup,
  serve: (socket: Socket) => Promise<void>,
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    // A peer that goes away in the middle ends its connection and nothing else.
    serve(socket)
      .catch(() => {})
      .finally(() => socket.destroySoon());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

/** Reads a connection frame by frame, as JSON; fails when it ends. */
export function framesOf(socket: Socket): () => Promise<unknown> {
  const reader = new FrameReader();
  const chunks = socket.iterator({ destroyOnReturn: false });
  return async () => {
    for (;;) {
      const frame = reader.next(1_000_000);
      if (frame !== undefined) return JSON.parse(frame.body.toString()) as unknown;
      const { value, done } = await chunks.next();
      if (done === true) throw new Error("the connection ended");
      reader.push(value as Buffer);
    }
  };
}

/** A response of the protocol as a frame. */
export function answer(members: {
  readonly code?: number;
  readonly reason?: string;
  readonly response?: string;
  readonly id?: string;
  readonly features?: readonly string[];
}): Buffer {
  const { code = 0, reason = "OK", response = null, id = null, features } = members;
  return frameOf({
    response_code: code,
    response_reason: reason,
    response,
    trace_id: null,
    transaction_id: id,
    features,
  });
}
