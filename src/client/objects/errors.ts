import { defineErrors } from "../../core/index.js";

export const ObjectErrors = defineErrors("OBJECT", {
  KEY_INVALID: {
    kind: "input",
    retry: false,
    about:
      "The key of an object has other than small letters, digits and hyphens, or is too long: none " +
      "of ours is like that.",
    say: ({ key }: { key: string }) => `${key} cannot be the key of an object`,
  },
  REFERENCE_INVALID: {
    kind: "input",
    retry: false,
    about:
      "A message says that it travels by reference, but its reference is none that Millrace writes. " +
      "Nothing was read or deleted for it.",
    say: ({ reason }: { reason: string }) => `a message's reference is not in order: ${reason}`,
  },
  TOO_LARGE: {
    kind: "limit",
    retry: false,
    about: "The message is too large to travel by reference, too. Send the document in parts.",
    say: ({ bytes, maxBytes }: { bytes: number; maxBytes: number }) =>
      `the message has ${bytes} bytes; by reference up to ${maxBytes} can travel`,
  },
  MISSING: {
    kind: "state",
    retry: false,
    about:
      "The object of a message is not in the store: it was deleted, it was older than `maxAgeMs`, or " +
      "the sender keeps its objects elsewhere. Compare `url` on both sides.",
    say: ({ key }: { key: string }) =>
      `the message's object ${key} is not in the store: deleted, too old, or in another store`,
  },
  DAMAGED: {
    kind: "input",
    retry: false,
    about: "The object of a message is not what was stored under its key. It is not used.",
    say: ({ key, reason }: { key: string; reason: string }) =>
      `the object ${key} is not what was stored: ${reason}`,
  },
  STORE_UNAVAILABLE: {
    kind: "transport",
    retry: true,
    about:
      "The store of objects cannot be reached, or does not answer within `timeoutMs`, also after " +
      "repetitions.",
    say: ({ where, reason }: { where: string; reason: string }) =>
      `the object store ${where} does not answer: ${reason}`,
  },
  STORE_FULL: {
    kind: "limit",
    retry: true,
    about: "The disk that holds the objects is full, or its quota is used up.",
    say: ({ where }: { where: string }) => `the object store ${where} is full`,
  },
  STORE_UNUSABLE: {
    kind: "input",
    retry: false,
    about:
      "The folder for objects is not there, is no folder, may not be written to, or everybody may " +
      "write to it. Make or mount it first: Millrace does not, so as not to write beside a share " +
      "that is not mounted.",
    say: ({ where, reason }: { where: string; reason: string }) =>
      `the object store ${where} cannot be used: ${reason}`,
  },
  STORE_REFUSED: {
    kind: "input",
    retry: false,
    about:
      "The S3 service refused the request. The text has its status and its code, such as " +
      "AccessDenied or NoSuchBucket.",
    say: ({ where, status, code }: { where: string; status: number; code: string }) =>
      `the object store ${where} refused the request: ${status} ${code}`,
  },
  ACCESS_KEYS_MISSING: {
    kind: "input",
    retry: false,
    about:
      "A bucket needs `accessKeyId` and `secretAccessKey`; the command line also reads " +
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    say: ({ where }: { where: string }) =>
      `${where} needs accessKeyId and secretAccessKey; the command line also reads ` +
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
  PEER_MISSING: {
    kind: "input",
    retry: false,
    about:
      "Objects are to be kept in a bucket, but the package that talks to it is not installed. It is " +
      "optional; the text has the command.",
    say: ({ peer, command }: { peer: string; command: string }) =>
      `objects in a bucket need the package ${peer}, which is not installed. Run: ${command}`,
  },
});
