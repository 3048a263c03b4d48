/** A peer on a connection that is split into channels: it says what it likes on each of them. */
import { encodeChannels, setChannel } from "../../src/wire/index.js";
import { type Answer, connectPeer, frameOf, headerOf, type RawPeer } from "./raw-peer.js";
import type { Cleanup } from "./start-broker.js";

export interface ChannelAnswer extends Pick<Answer, "code" | "reason" | "response"> {
  readonly channel: number;
  /** The transaction, if there is one. */
  readonly id: string | null;
}

export interface ChannelPeer {
  readonly peer: RawPeer;
  send(channel: number, json: object): void;
  /** Ends a channel. */
  end(channel: number): void;
  /** The next frame, on whatever channel it comes. */
  frame(): Promise<ChannelAnswer>;
  /** Sends a request and takes the next frame. */
  ask(channel: number, json: object): Promise<ChannelAnswer>;
}

/** Connects and splits the connection. */
export async function connectChannels(t: Cleanup, port: number): Promise<ChannelPeer> {
  const peer = await connectPeer(t, port);
  peer.write(encodeChannels());
  await peer.frame();
  const send = (channel: number, json: object) => peer.write(channelFrame(channel, json));
  const frame = async (): Promise<ChannelAnswer> => {
    const header = await peer.bytes(8);
    const body = (await peer.bytes(header.readUInt32BE(4))).toString();
    const { response_code, response_reason, response, transaction_id } = JSON.parse(body);
    return {
      channel: header.readUInt32BE(0),
      code: response_code,
      reason: response_reason,
      response,
      id: transaction_id,
    };
  };
  return {
    peer,
    send,
    frame,
    end(channel) {
      const end = headerOf(0);
      setChannel(end, channel);
      peer.write(end);
    },
    ask(channel, json) {
      send(channel, json);
      return frame();
    },
  };
}

export function channelFrame(channel: number, json: object | string): Buffer {
  const frame = frameOf(json);
  setChannel(frame, channel);
  return frame;
}
