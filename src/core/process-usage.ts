/** What this process has used so far, and may use. */
import { totalmem } from "node:os";
import { constrainedMemory, cpuUsage, memoryUsage } from "node:process";

export interface ProcessUsage {
  readonly residentBytes: number;
  readonly heapTotalBytes: number;
  readonly heapUsedBytes: number;
  /** Memory outside of the heap: buffers, mostly. */
  readonly externalBytes: number;
  /** Processor time since the start, all threads together. */
  readonly userCpuSeconds: number;
  readonly systemCpuSeconds: number;
}

export function processUsage(): ProcessUsage {
  const { rss, heapTotal, heapUsed, external } = memoryUsage();
  const { user, system } = cpuUsage();
  return {
    residentBytes: rss,
    heapTotalBytes: heapTotal,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    userCpuSeconds: user / 1e6,
    systemCpuSeconds: system / 1e6,
  };
}

/** The machine's memory, or what its container may use of it, in bytes. */
export function availableMemoryBytes(): number {
  const limit = constrainedMemory?.() ?? 0;
  const total = totalmem();
  return limit > 0 && limit < total ? limit : total;
}

/** The part of the available memory that this process holds, from 0 to about 1. */
export function residentFraction(): number {
  return memoryUsage.rss() / availableMemoryBytes();
}
