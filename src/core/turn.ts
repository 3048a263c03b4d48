/** Calls back when all that the present event has set off has run, before the next event. */
export { nextTick as afterThisEvent } from "node:process";
