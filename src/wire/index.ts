/** Frames, requests and responses of the simple broker's protocol: bytes to typed values and back. */
export {
  ACK_BYTES_MAX,
  type Ack,
  encodeAck,
  encodeExtension,
  encodeQuietAck,
  readAck,
} from "./ack.js";
export {
  encodeCancel,
  encodeChannelEnd,
  encodeChannels,
  encodeDead,
  encodePing,
  encodePop,
  encodePush,
  encodeSizeRequest,
  FEATURES,
  type Feature,
} from "./client-request.js";
export {
  DEAD_LIST_MAX,
  type DeadAnswer,
  DeadLetter,
  type DeadQuestion,
  parseDeadAnswer,
} from "./dead-letters.js";
export { QueueErrors, WireErrors } from "./errors.js";
export {
  decodeBody,
  encodeBody,
  type HeldMessage,
  type MessageExchange,
  type StoreOptions,
} from "./exchange.js";
export { FAILED_LENGTH_MAX, failedReason } from "./failed-reason.js";
export {
  CHANNEL_BODY_BYTES_MAX,
  encodeFrame,
  type Frame,
  FrameReader,
  HEADER_BYTES,
  setChannel,
  writeHeader,
} from "./frame.js";
export { GatheredWrites } from "./gathered-writes.js";
export { type Member, scanObject } from "./json-scanner.js";
export {
  type CancelRequest,
  type ChannelsRequest,
  DEFAULT_TIMEOUT_S,
  type DeadRequest,
  type PingRequest,
  type PopRequest,
  type PushRequest,
  parseRequest,
  type Request,
  type SizeRequest,
  type TimeoutS,
} from "./request.js";
export {
  CANCEL_OUTCOMES,
  type CancelOutcome,
  encodeFinal,
  encodeInitiated,
  encodeMessage,
  encodeNoAck,
  encodeNotReady,
  encodePong,
  encodeQueueFull,
  encodeRefusal,
  encodeText,
  encodeUnavailable,
  parseResponse,
  type Response,
  ResponseCode,
  type ServerFacts,
  Text,
} from "./response.js";
export { stampedPieces, stampJobId } from "./stamp-job-id.js";
