/** Tells who listens at a port that could not be had. */
import { connect } from "node:net";
import { encodePing, FrameReader, parseResponse } from "../wire/index.js";

const ANSWER_MS = 1_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** Asks what listens at the address and puts the answer in words; always answers within a second. */
export function describePortOwner(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const reader = new FrameReader();
    const socket = connect({ host, port, noDelay: true });
    const finish = (owner: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(owner);
    };
    const another = "another program";
    const timer = setTimeout(() => finish(another), ANSWER_MS);
    socket.on("connect", () => socket.write(encodePing()));
    socket.on("error", () => finish(another));
    socket.on("close", () => finish(another));
    socket.on("data", (chunk) => {
      try {
        reader.push(chunk);
        const frame = reader.next(ANSWER_BYTES_MAX);
        if (frame === undefined) return;
        const { response, server, pid } = parseResponse(frame.body);
        if (response !== "PONG") finish(another);
        else if (server === null) finish("another message broker of this protocol");
        else finish(`a ${server} broker (pid ${pid})`);
      } catch {
        finish(another);
      }
    });
  });
}
