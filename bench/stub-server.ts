/**
 * The benchmark's own server, for comparison; it checks nothing and stands in no product.
 *
 * - `bare`: answers each request and each ACK with a fixed frame, whatever it says. What a server
 *   in Node can do at most.
 * - `raw`: one queue; the escaped text of a message goes out as it came in.
 * - `parse`: the same queue, but frames are decoded with JSON.parse and written with JSON.stringify.
 */
import { randomUUID } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { frameOf } from "./raw-line.js";
import { serveCalls } from "./worker.js";

export type StubMode = "bare" | "raw" | "parse";

const FIXED_ID = "00000000-0000-4000-8000-000000000000";
const INITIATED = "Transaction initiated. Waiting for ACK.";

function answer(response: string, transactionId: string | null, more = {}): Buffer {
  const members = { response_code: 0, response_reason: "OK", response, trace_id: null };
  return frameOf(JSON.stringify({ ...members, transaction_id: transactionId, ...more }));
}

/** Calls `onBody` with each body; one that comes in pieces is gathered in a buffer of its length. */
function cutFrames(socket: Socket, onBody: (body: Buffer) => void): void {
  const header = Buffer.alloc(8);
  let headerBytes = 0;
  let body: Buffer | undefined;
  let filled = 0;
  socket.on("data", (chunk: Buffer) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (body === undefined) {
        const taken = rest.copy(header, headerBytes);
        headerBytes += taken;
        rest = rest.subarray(taken);
        if (headerBytes < 8) return;
        const length = Number(header.readBigUInt64BE());
        if (rest.length >= length) {
          headerBytes = 0;
          onBody(rest.subarray(0, length));
          rest = rest.subarray(length);
          continue;
        }
        body = Buffer.allocUnsafeSlow(length);
        filled = 0;
      }
      const taken = rest.copy(body, filled);
      filled += taken;
      rest = rest.subarray(taken);
      if (filled < body.length) return;
      const complete = body;
      body = undefined;
      headerBytes = 0;
      onBody(complete);
    }
  });
}

/** Knows a PING, an ACK and the rest by two of their bytes. */
function serveBare(socket: Socket): void {
  const pong = answer("PONG", null, { features: ["keepalive", "hold"] });
  const initiated = answer(INITIATED, FIXED_ID);
  const stored = answer("Data stored.", FIXED_ID);
  cutFrames(socket, (body) => {
    const isAck = body[2] === "t".charCodeAt(0);
    const isPing = !isAck && body[13] === "I".charCodeAt(0);
    socket.write(isAck ? stored : isPing ? pong : initiated);
  });
}

/** How a mode reads messages out of requests and writes them into answers. */
interface Codec<M> {
  read(body: Buffer): { readonly message?: M; readonly isAck: boolean };
  write(socket: Socket, message: M, id: string): void;
}

const parsing: Codec<string> = {
  read(body) {
    const request = JSON.parse(body.toString()) as { message?: string; ack?: boolean };
    const { message } = request;
    return { isAck: request.ack === true, ...(message === undefined ? {} : { message }) };
  },
  write: (socket, message, id) => socket.write(answer(message, id)),
};

const HEAD = '{"response_code":0,"response_reason":"OK","response":"';

const passing: Codec<Buffer> = {
  read(body) {
    const start = body.subarray(0, 200).indexOf('"message":"');
    if (start < 0) return { isAck: body[2] === "t".charCodeAt(0) };
    const end = body.lastIndexOf('","timeout"');
    return { message: body.subarray(start + 11, end), isAck: false };
  },
  write(socket, message, id) {
    const tail = `","trace_id":null,"transaction_id":"${id}"}`;
    const head = Buffer.alloc(8 + HEAD.length);
    head.writeBigUInt64BE(BigInt(HEAD.length + message.length + tail.length));
    head.write(HEAD, 8);
    socket.cork();
    for (const part of [head, message, tail]) socket.write(part);
    socket.uncork();
  },
};

function serveQueue<M>(queue: M[], codec: Codec<M>, socket: Socket): void {
  let open: { readonly id: string; readonly message: M | undefined } | undefined;
  cutFrames(socket, (body) => {
    const { message, isAck } = codec.read(body);
    if (isAck && open !== undefined) {
      if (open.message !== undefined) queue.push(open.message);
      socket.write(answer("Data stored.", open.id));
      open = undefined;
      return;
    }
    open = { id: randomUUID(), message };
    if (message !== undefined) socket.write(answer(INITIATED, open.id));
    else codec.write(socket, queue.shift() as M, open.id);
  });
}

serveCalls({
  async listen({ mode }: { mode: StubMode }) {
    const texts: string[] = [];
    const buffers: Buffer[] = [];
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {});
      if (mode === "bare") serveBare(socket);
      else if (mode === "raw") serveQueue(buffers, passing, socket);
      else serveQueue(texts, parsing, socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4_096, resolve));
    return (server.address() as AddressInfo).port;
  },
});
