/** What a store of messages may fail with. */
import { defineErrors, quote } from "../../core/index.js";

export const StoreErrors = defineErrors("STORE", {
  LOCKED: {
    kind: "input",
    retry: false,
    about: "A living process has the data directory open. Stop it, or choose another directory.",
    say: ({ dataDir, pid }: { dataDir: string; pid: number }) =>
      `the data directory ${quote(dataDir)} belongs to the running process ${pid}. Stop it, or ` +
      "choose another directory",
  },
  FORMAT_UNKNOWN: {
    kind: "input",
    retry: false,
    about:
      "The data directory was written by a version of Millrace with another format. Nothing in it " +
      "was touched. Use that version, or choose another directory.",
    say: ({ file, found, known }: { file: string; found: number; known: number }) =>
      `${quote(file)} has format ${found}, and this version of Millrace knows format ${known} only. ` +
      "Nothing was touched",
  },
  UNUSABLE: {
    kind: "input",
    retry: false,
    about:
      "The data directory cannot be made, read or written. The text gives the system's reason.",
    say: ({ dataDir, reason }: { dataDir: string; reason: string }) =>
      `the data directory ${quote(dataDir)} cannot be used: ${reason}`,
  },
  FULL: {
    kind: "limit",
    retry: true,
    about:
      "The disk or its quota is full. Nothing was stored; pushes are taken again as soon as there " +
      "is room.",
    say: ({ reason }: { reason: string }) => `there is no room on the disk: ${reason}`,
  },
  FAILED: {
    kind: "internal",
    retry: false,
    about:
      "The disk refused a write or a flush, so what was not confirmed may be lost. The store takes " +
      "nothing more until the broker is started again.",
    say: ({ reason }: { reason: string }) => `the store cannot go on: ${reason}`,
  },
  DAMAGED: {
    kind: "internal",
    retry: false,
    about:
      "A stored message came back from the disk with other bytes than were stored. What there is " +
      "of it lies in the folder quarantine of the data directory.",
    say: ({ file, offset, reason }: { file: string; offset: number; reason: string }) =>
      `the message at byte ${offset} of ${quote(file)} is damaged: ${reason}`,
  },
});
