/** Stores opened in this process, on copies of directories. */
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Entry, NewMessage } from "../../src/broker/store/entry.js";
import type { Recovered } from "../../src/broker/store/message-store.js";
import {
  SegmentStore,
  type SegmentStoreConfig,
} from "../../src/broker/store/segments/segment-store.js";
import { newId } from "../../src/core/index.js";

const CONFIG = {
  durability: "os",
  maxStoredBytes: 1e12,
  minFreeBytes: 0,
  maxCachedBytes: 0,
  segmentBytes: 64 * 1024,
} as const;

export interface OpenedStore {
  readonly store: SegmentStore;
  readonly recovered: Recovered;
  /** Lines that were logged. */
  readonly log: readonly string[];
}

export async function openStore(
  dataDir: string,
  config: Partial<SegmentStoreConfig> = {},
): Promise<OpenedStore> {
  const log: string[] = [];
  const write = (details: object, text: string) => {
    log.push(`${text} ${JSON.stringify(details)}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write };
  const store = new SegmentStore({ ...CONFIG, ...config, dataDir }, { logger });
  return { store, recovered: await store.open(), log };
}

function messageOf(body: string, queueName = "q"): NewMessage {
  return {
    queueName,
    id: newId(),
    kind: "message",
    digest: Buffer.alloc(16, 7),
    storedAtMs: Date.now(),
    body: Buffer.from(body),
  };
}

/** Appends messages and waits until they are stored. */
export async function fill(store: SegmentStore, bodies: readonly string[]): Promise<Entry[]> {
  const appended = bodies.map((body) => store.append(messageOf(body)));
  await Promise.all(appended.map(({ stored }) => stored));
  return appended.map(({ entry }) => entry);
}

/** A copy as a dead process leaves it. */
export function copyStore(dataDir: string, parent: string): string {
  const copy = mkdtempSync(join(parent, "copy-"));
  cpSync(dataDir, copy, { recursive: true });
  rmSync(join(copy, "owner"), { force: true });
  return copy;
}

/** The store's files with their sizes. */
export function filesOf(dataDir: string): { readonly name: string; readonly bytes: number }[] {
  return readdirSync(dataDir)
    .filter((name) => name !== "owner" && statSync(join(dataDir, name)).isFile())
    .sort()
    .map((name) => ({ name, bytes: statSync(join(dataDir, name)).size }));
}
