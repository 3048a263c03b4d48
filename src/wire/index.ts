/** Frames, requests and responses of the simple broker's protocol: bytes to typed values and back. */
export { ACK_BYTES_MAX, encodeAck, isGoodAck } from "./ack.js";
export {
  CLIENT_FEATURES,
  encodePing,
  encodePop,
  encodePush,
  encodeSizeRequest,
} from "./client-request.js";
export { QueueErrors, WireErrors } from "./errors.js";
export { decodeBody, encodeBody, type HeldMessage, type MessageExchange } from "./exchange.js";
export { encodeFrame, type Frame, FrameReader, HEADER_BYTES, writeHeader } from "./frame.js";
export { type Member, scanObject } from "./json-scanner.js";
export {
  DEFAULT_TIMEOUT_S,
  type PingRequest,
  type PopRequest,
  type PushRequest,
  parseRequest,
  type Request,
  type SizeRequest,
  type TimeoutS,
} from "./request.js";
export {
  encodeFinal,
  encodeInitiated,
  encodeMessage,
  encodeNoAck,
  encodeNotReady,
  encodePong,
  encodeQueueFull,
  encodeRefusal,
  encodeSize,
  encodeUnavailable,
  parseResponse,
  type Response,
  ResponseCode,
  type ServerFacts,
  Text,
} from "./response.js";
export { stampJobId } from "./stamp-job-id.js";
