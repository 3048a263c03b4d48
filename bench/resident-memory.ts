/** The resident memory of a process, as the kernel tells it. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Left alone, V8 collects and shrinks its heap within some ten seconds. */
const REST_MS = 12_000;

/** Bytes; only where there is a /proc. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, /^VmRSS:\s+(\d+) kB$/m);
}

/** The most that it ever was. */
export function residentBytesMax(pid: number): number {
  return statusBytes(pid, /^VmHWM:\s+(\d+) kB$/m);
}

function statusBytes(pid: number, line: RegExp): number {
  return Number(line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;
}

/** Bytes, after the process has been left alone for so long that its garbage is gone. */
export async function settledBytes(pid: number): Promise<number> {
  await sleep(REST_MS);
  return residentBytes(pid);
}
