/** How much memory this process may use, and uses. */
import { totalmem } from "node:os";
import { constrainedMemory, memoryUsage } from "node:process";

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
