import { randomUUID } from "node:crypto";
import { pid } from "node:process";

/** A UUID v4 in lower case with hyphens: transaction ids, job ids, task ids. */
export function newId(): string {
  return randomUUID();
}

/** This process, as the system numbers it: what a taken port is told by. */
export const processId = pid;
