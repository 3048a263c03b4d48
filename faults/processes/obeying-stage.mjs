/** The function of `pipeline.mjs` that takes its time, for a pipeline file of the command line. */
import { setTimeout as sleep } from "node:timers/promises";

export async function obey(message, { signal }) {
  const [, number = "0"] = String(message.payload[0]?.content).split(" ");
  await sleep(Number(number), undefined, { signal });
  return message;
}
