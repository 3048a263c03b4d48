/**
 * Entry file of every thread of the pool: loads the file of a task and runs its function. It keeps the
 * thread's output off the standard output of the process, which is for results, and marks how far a
 * task came, so that the death of a thread is put down to the right one.
 */
import { parentPort } from "node:worker_threads";
import { Piscina } from "piscina";
import { messageOf } from "../core/index.js";
import { WorkersErrors } from "./errors.js";
import { type Parcel, PROGRESS, type TaskOutcome, type Told } from "./task.js";
import { describeThrown } from "./thrown.js";

process.stdout.write = process.stderr.write.bind(process.stderr);

type Work = (input: unknown, tell: (value: unknown) => void) => Promise<TaskOutcome<unknown>>;

export async function run({ id, file, name, input, progress }: Parcel): Promise<unknown> {
  Atomics.store(progress, 0, PROGRESS.begun);
  const tell = (value: unknown) => {
    const told: Told = { millraceTask: id, value };
    parentPort?.postMessage(told);
  };
  const outcome = await (await load(file, name))(input, tell);
  // What the task left to be done right away belongs to it, also when that ends the thread.
  await new Promise(setImmediate);
  Atomics.store(progress, 0, PROGRESS.ended);
  if (!outcome.ok || outcome.transfer === undefined) return outcome;
  const { value, transfer } = outcome;
  return Piscina.move({
    [Piscina.transferableSymbol]: transfer,
    [Piscina.valueSymbol]: { ok: true, value },
  } as never);
}

/** The task, or one that fails because there is none. */
async function load(file: string, name: string): Promise<Work> {
  let reason: string;
  try {
    const work: unknown = (await import(file))[name];
    if (typeof work === "function") return work as Work;
    reason = `${file} exports no function of this name`;
  } catch (error) {
    reason = messageOf(error);
  }
  const thrown = describeThrown(WorkersErrors.TASK_UNKNOWN({ task: name, reason }));
  return async () => ({ ok: false, thrown });
}
