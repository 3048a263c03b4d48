import { randomUUID } from "node:crypto";
import { kill, pid } from "node:process";

/** A UUID v4 in lower case with hyphens: transaction ids, job ids, task ids. */
export function newId(): string {
  return randomUUID();
}

/** This process, as the system numbers it: what a taken port is told by. */
export const processId = pid;

/** Whether a process has that id now, whoever's it is. */
export function processRuns(id: number): boolean {
  if (!Number.isSafeInteger(id) || id <= 0) return false;
  try {
    // Signal 0 is never delivered: the system only looks whether it could be.
    return kill(id, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
