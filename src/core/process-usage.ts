/** What this process has used so far. */
import { cpuUsage, memoryUsage } from "node:process";

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
