/**
 * A broker whose answers a test writes: it names features of its own choice, keeps its connections
 * open where it says so, answers PING and remembers every frame. All else is the script's.
 */
import type { Socket } from "node:net";
import { FEATURES } from "../../src/wire/index.js";
import type { Cleanup } from "./start-broker.js";
import { answer, framesOf, startServer } from "./upstream-like-broker.js";

/** What brokers of ours could do before they took short cuts: a handshake has all its steps. */
export const STEPWISE = FEATURES.filter((name) => name !== "direct" && name !== "channels");
export const ID = "4f1c0000-0000-4000-8000-00000000000a";

/** A frame of a client, whatever it is. */
export interface ClientFrame {
  readonly command?: string;
  readonly queue_name?: string;
  readonly message?: string;
  readonly timeout?: number;
  readonly lease?: string;
  readonly transaction_id?: string;
  readonly ack?: boolean;
  readonly extend?: number;
}

/** One connection, as a script sees it. */
export interface ScriptLine {
  /** The next frame; fails when the line ends. */
  next(): Promise<ClientFrame>;
  say(members: Parameters<typeof answer>[0]): void;
  /** Ends the connection, after what was said. */
  hangUp(): void;
  /** Resolves when the line is gone, with whether the client reset it. */
  readonly wasReset: Promise<boolean>;
}

/** What follows a request that is no PING; returns when the next request may come. */
export type Script = (request: ClientFrame, line: ScriptLine) => Promise<void>;

export interface ScriptedBroker {
  readonly port: number;
  /** All frames but PINGs, in the order in which they came. */
  readonly frames: readonly ClientFrame[];
}

/** @param features named at each PING; a function may change its mind from one to the next. */
export async function startScripted(
  t: Cleanup,
  features: readonly string[] | (() => readonly string[]),
  script: Script,
): Promise<ScriptedBroker> {
  const frames: ClientFrame[] = [];
  const port = await startServer(t, async (socket) => {
    const line = lineOf(socket, frames);
    for (;;) {
      const request = await line.next();
      if (request.command !== "PING") await script(request, line);
      else {
        const named = typeof features === "function" ? features() : features;
        line.say({ response: "PONG", features: named });
      }
    }
  });
  return { port, frames };
}

function lineOf(socket: Socket, frames: ClientFrame[]): ScriptLine {
  const read = framesOf(socket);
  return {
    async next() {
      const frame = (await read()) as ClientFrame;
      if (frame.command !== "PING") frames.push(frame);
      return frame;
    },
    say: (members) => socket.write(answer(members)),
    hangUp: () => socket.destroySoon(),
    wasReset: new Promise((resolve) => {
      socket.once("close", resolve);
    }),
  };
}

/** The rest of a handshake: extensions are handed to `onExtension`; the ACK is returned. */
export async function nextAck(
  line: ScriptLine,
  onExtension: (frame: ClientFrame) => void = () => {},
): Promise<ClientFrame> {
  for (;;) {
    const frame = await line.next();
    if (frame.extend === undefined) return frame;
    onExtension(frame);
  }
}
