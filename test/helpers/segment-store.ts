/** Stores in folders of their own, for the length of a test, and disks that fail on demand. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Entry, NewMessage } from "../../src/broker/store/entry.js";
import type { Recovered } from "../../src/broker/store/message-store.js";
import { type FileLayer, realFiles } from "../../src/broker/store/segments/disk/file-layer.js";
import {
  SegmentStore,
  type SegmentStoreConfig,
} from "../../src/broker/store/segments/segment-store.js";
import { newId } from "../../src/core/index.js";
import type { Cleanup } from "./start-broker.js";
import { temporaryFolder } from "./temporary-folder.js";

export interface OpenedStore {
  readonly store: SegmentStore;
  readonly recovered: Recovered;
  readonly dataDir: string;
  /** Every line that was logged, as one text. */
  readonly log: () => string;
}

export interface OpenOptions extends Partial<SegmentStoreConfig> {
  readonly files?: FileLayer;
}

const CONFIG = {
  durability: "fsync",
  maxStoredBytes: 1e9,
  minFreeBytes: 0,
  maxCachedBytes: 0,
  segmentBytes: 64 * 1024,
} as const;

/** Opens a store, in a new folder unless `dataDir` is given; it is closed when the test ends. */
export async function openStore(t: Cleanup, options: OpenOptions = {}): Promise<OpenedStore> {
  const { files, dataDir = await temporaryFolder(t), ...config } = options;
  const lines: string[] = [];
  const write = (details: object, text: string) => {
    lines.push(`${text} ${JSON.stringify(details)}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write };
  const store = new SegmentStore(
    { ...CONFIG, ...config, dataDir },
    { logger, ...(files && { files }) },
  );
  t.onTestFinished(() => store.close());
  const recovered = await store.open();
  return { store, recovered, dataDir, log: () => lines.join("\n") };
}

export function messageOf(body: string | Buffer, more: Partial<NewMessage> = {}): NewMessage {
  return {
    queueName: "work",
    id: newId(),
    kind: "message",
    digest: Buffer.alloc(16, 7),
    storedAtMs: Date.now(),
    body: Buffer.from(body),
    ...more,
  };
}

/** Appends messages, and waits until they are stored. */
export async function fill(store: SegmentStore, bodies: readonly string[]): Promise<Entry[]> {
  const appended = bodies.map((body) => store.append(messageOf(body)));
  await Promise.all(appended.map(({ stored }) => stored));
  return appended.map(({ entry }) => entry);
}

export async function bodiesOf(store: SegmentStore, entries: readonly Entry[]): Promise<string[]> {
  const bodies = await Promise.all(entries.map((entry) => store.read(entry)));
  return bodies.map(String);
}

/** The files as a process that was killed just now would leave them. */
export async function copyOfStore(t: Cleanup, dataDir: string): Promise<string> {
  const copy = join(await temporaryFolder(t), "copy");
  cpSync(dataDir, copy, { recursive: true });
  // The process that is named in it lives: only the files outlived its death.
  rmSync(join(copy, "owner"), { force: true });
  return copy;
}

/** The real files, but for what is given instead. */
export function filesWith(instead: Partial<FileLayer>): FileLayer {
  return { ...realFiles, ...instead };
}

/** A layer that hands over after every step that changes something on the disk. */
export function stepping(after: () => Promise<void>): FileLayer {
  const then =
    <A extends unknown[], R>(step: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const result = await step(...given);
      await after();
      return result;
    };
  const { open, write, truncate, rename, unlink } = realFiles;
  return filesWith({
    open: then(open),
    write: then(write),
    truncate: then(truncate),
    rename: then(rename),
    unlink: then(unlink),
  });
}

/** An error as the system makes it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: from the test`), { code });
}
