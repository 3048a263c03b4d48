/**
 * Goal: whatever happens to one task, its caller gets one clear answer and no other task notices.
 * Method: real threads running the tasks of `fixtures/tasks.mjs`: throwing, exiting, looping for
 * ever, eating memory. Shared flags tell when a loop has begun; nothing sleeps.
 */
import { execFile, execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { hasCode, isTransient } from "../core/index.js";
import { until } from "../testing/index.js";
import { WorkerPool, WorkersErrors, type WorkerTask } from "./index.js";

const file = new URL("./fixtures/tasks.mjs", import.meta.url);
// biome-ignore lint/suspicious/noExplicitAny: the tests know what their tasks take and give
const task = (name: string): WorkerTask<any, any> => ({ file, name });

const pools: WorkerPool[] = [];
function openPool(options: ConstructorParameters<typeof WorkerPool>[0] = {}): WorkerPool {
  const pool = new WorkerPool({ maxThreads: 2, ...options });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const sharedFlags = () => new Int32Array(new SharedArrayBuffer(8));
async function begun(flags: Int32Array): Promise<void> {
  await (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync(flags, 0, 0).value;
}
type WaitAsync = (flags: Int32Array, index: number, value: number) => { value: Promise<string> };

const codeOf = (running: Promise<unknown>) =>
  running.then(
    () => "no error",
    (error: unknown) => (error as { code?: string }).code,
  );

test("a task gets its input and gives its output", async () => {
  const pool = openPool();
  expect(await pool.run(task("echo"), { a: [1, "two"] })).toEqual({ a: [1, "two"] });
  expect(pool.getStats()).toMatchObject({ completed: 1, failed: 0, running: 0, waiting: 0 });
});

test("a transferred buffer is handed over, not copied", async () => {
  const pool = openPool();
  const bytes = new Uint8Array(1_000_000);
  const length = await pool.run(task("byteLength"), bytes, { transfer: [bytes.buffer] });
  expect([length, bytes.byteLength]).toEqual([1_000_000, 0]);
});

test("an error of ours comes back with code, kind, retry, message and details", async () => {
  const failing = openPool().run(task("failTyped"), { pages: 3 });
  await expect(failing).rejects.toMatchObject({
    code: "TEST_BROKEN",
    kind: "input",
    retry: true,
    message: "It is broken",
    details: { pages: 3 },
  });
});

test("an error without code becomes WORKERS_TASK_FAILED, whatever its text", async () => {
  const failing = openPool().run(task("failPlain"), null);
  await expect(failing).rejects.toMatchObject({
    code: WorkersErrors.TASK_FAILED.code,
    message: expect.stringContaining("says the task itself"),
  });
});

test("whether another attempt can help is known of errors without a code of ours, too", async () => {
  const failing = openPool().run(task("failTransient"), null);
  const error: unknown = await failing.catch((thrown: unknown) => thrown);
  expect([isTransient(error), (error as Error).message]).toEqual([
    true,
    'Task "failTransient" failed: the line is gone',
  ]);
});

test("a task is called by its label in errors", async () => {
  const failing = openPool().run({ ...task("failPlain"), label: "tidy" }, null);
  await expect(failing).rejects.toThrow('Task "tidy" failed');
});

test("an output's buffers are handed over", async () => {
  const output = await openPool().run(task("giveBuffer"), 1_000_000);
  // The task's own look at the buffer afterwards goes through another one.
  expect([output.byteLength, new Uint8Array(output)[999_999]]).toEqual([1_000_000, 7]);
});

test("what a task tells comes before its outcome is all there is, in its order", async () => {
  const told: unknown[] = [];
  const onTold = (value: unknown) => void told.push(value);
  const pool = openPool();
  expect(await pool.run(task("tellThree"), "end", { onTold })).toBe("end");
  await until("three are told", () => told.length === 3);
  expect(told).toEqual([1, 2, 3]);
  // Another task on the same thread is not heard.
  await pool.run(task("tellThree"), "end");
  await pool.run(task("echo"), null);
  expect(told).toHaveLength(3);
});

test("an input is made when a thread is free for it, and what making it throws is thrown", async () => {
  const pool = openPool({ maxThreads: 1 });
  const flags = sharedFlags();
  const first = pool.run(task("waitForFlag"), flags);
  let madeCount = 0;
  const prepare = () => ({ input: `made ${++madeCount}` });
  const second = pool.runPrepared(task("echo"), prepare);
  await begun(flags);
  expect(madeCount).toBe(0);
  Atomics.store(flags, 1, 1);
  Atomics.notify(flags, 1);
  await first;
  expect(await second).toBe("made 1");
  const wrong = new Error("cannot be made");
  const failing = pool.runPrepared(task("echo"), () => {
    throw wrong;
  });
  await expect(failing).rejects.toBe(wrong);
});

test("what a task leaves to be done right away is put down to it", async () => {
  const pool = openPool({ maxThreads: 1 });
  for (let turn = 0; turn < 10; turn++) {
    const leaving = pool.run(task("throwAfterwards"), turn);
    const next = pool.run(task("echo"), turn);
    await expect(leaving).rejects.toThrow("nothing caught: left behind");
    expect(await next).toBe(turn);
  }
});

test("a task that had not begun when its thread died begins in another", async () => {
  const pool = openPool({ maxThreads: 1 });
  const sendToDyingThread = async (transfer: ArrayBuffer[]) => {
    const flags = sharedFlags();
    await pool.run(task("exitWhenTold"), flags);
    await begun(flags);
    const next = pool.run(task("echo"), "next", { transfer }).catch((error: unknown) => error);
    await new Promise(setImmediate);
    Atomics.store(flags, 1, 1);
    Atomics.notify(flags, 1);
    return next;
  };
  expect(await sendToDyingThread([])).toBe("next");
  // What was handed over is gone.
  expect(await sendToDyingThread([new ArrayBuffer(8)])).toMatchObject({
    code: "WORKERS_THREAD_EXITED",
    message: expect.stringContaining("before the task began"),
  });
});

test("a thread goes on between its tasks", async () => {
  const pool = openPool({ maxThreads: 1 });
  const flags = sharedFlags();
  await pool.run(task("flagLater"), flags);
  await begun(flags);
  expect(pool.getStats()).toMatchObject({ running: 0, threads: 1 });
});

test("a result or an input that cannot cross the border fails only its own task", async () => {
  const pool = openPool();
  expect(await codeOf(pool.run(task("giveFunction"), null))).toBe("WORKERS_TASK_FAILED");
  expect(await codeOf(pool.run(task("echo"), () => {}))).toBe("WORKERS_TASK_FAILED");
  expect(await pool.run(task("echo"), "fine")).toBe("fine");
});

test("a task or a file that does not exist is named", async () => {
  const pool = openPool();
  const nowhere = { file: new URL("./fixtures/nowhere.mjs", import.meta.url), name: "echo" };
  expect(await codeOf(pool.run(task("noSuchTask"), null))).toBe("WORKERS_TASK_UNKNOWN");
  expect(await codeOf(pool.run(nowhere, null))).toBe("WORKERS_TASK_UNKNOWN");
});

test("a thread that exits or throws outside its task rejects that task alone", async () => {
  const pool = openPool();
  const flags = sharedFlags();
  const other = pool.run(task("waitForFlag"), flags);
  await begun(flags);
  await expect(pool.run(task("exit"), null)).rejects.toMatchObject({
    code: "WORKERS_THREAD_EXITED",
    retry: true,
    message: expect.stringContaining("exited with code 7"),
  });
  await expect(pool.run(task("throwLater"), null)).rejects.toMatchObject({
    code: "WORKERS_THREAD_EXITED",
    message: expect.stringContaining("nothing caught: thrown outside the task"),
  });
  Atomics.store(flags, 1, 1);
  Atomics.notify(flags, 1);
  expect(await other).toBe("released");
});

test("a task that runs out of memory is told so and the pool goes on", async () => {
  const pool = openPool({ maxThreads: 1, maxHeapMb: 32 });
  const waiting = pool.run(task("eatMemory"), null);
  const behind = pool.run(task("echo"), "next");
  await expect(waiting).rejects.toMatchObject({
    code: "WORKERS_OUT_OF_MEMORY",
    message: expect.stringContaining("32 MB"),
  });
  expect(await behind).toBe("next");
});

test("abort ends a busy loop with the signal's reason and frees its place", async () => {
  const pool = openPool({ maxThreads: 1 });
  const controller = new AbortController();
  const flags = sharedFlags();
  const looping = pool.run(task("loop"), flags, { signal: controller.signal });
  const behind = pool.run(task("echo"), "next");
  await begun(flags);
  const reason = new Error("time is over");
  controller.abort(reason);
  await expect(looping).rejects.toBe(reason);
  expect(await behind).toBe("next");
  expect(pool.getStats()).toMatchObject({ aborted: 1, completed: 1, failed: 0 });
});

test("a thread that cannot be ended yet, being in native code, holds up nobody", async () => {
  const pool = openPool({ maxThreads: 1 });
  const folder = mkdtempSync(join(tmpdir(), "millrace-pool-"));
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  const flags = sharedFlags();
  const controller = new AbortController();
  const { signal } = controller;
  const reading = pool.run(task("readFile"), { fifo, flags }, { signal });
  await begun(flags);
  controller.abort("enough");
  await expect(reading).rejects.toBe("enough");
  expect(await pool.run(task("echo"), "next")).toBe("next");
  // Lets the read come to its end, and with it the thread. Open for both, it waits for no reader.
  closeSync(openSync(fifo, "r+"));
  await pool.close();
  rmSync(folder, { recursive: true });
});

test("abort takes a waiting task out of the line, and an aborted signal never runs", async () => {
  const pool = openPool({ maxThreads: 1 });
  const flags = sharedFlags();
  const first = pool.run(task("waitForFlag"), flags);
  const controller = new AbortController();
  const waiting = pool.run(task("echo"), 1, { signal: controller.signal });
  expect(pool.getStats()).toMatchObject({ running: 1, waiting: 1 });
  controller.abort("enough");
  await expect(waiting).rejects.toBe("enough");
  expect(pool.getStats().waiting).toBe(0);
  await expect(pool.run(task("echo"), 2, { signal: controller.signal })).rejects.toBe("enough");
  await begun(flags);
  Atomics.store(flags, 1, 1);
  Atomics.notify(flags, 1);
  expect(await first).toBe("released");
});

test("waiting tasks run in their order and one more than allowed is refused", async () => {
  const pool = openPool({ maxThreads: 1, maxWaitingTasks: 20 });
  const done: number[] = [];
  const tasks = Array.from({ length: 21 }, (_, index) =>
    pool.run(task("echo"), index, { signal: new AbortController().signal }).then((value) => {
      done.push(value);
    }),
  );
  const refused = await pool.run(task("echo"), 99).catch((error: unknown) => error);
  expect(hasCode(refused, "WORKERS_QUEUE_FULL")).toBe(true);
  await Promise.all(tasks);
  expect(done).toEqual(Array.from({ length: 21 }, (_, index) => index));
});

test("no more threads than allowed are used", async () => {
  const pool = openPool({ maxThreads: 2 });
  const ids = await Promise.all(
    Array.from({ length: 30 }, () => pool.run(task("whichThread"), null)),
  );
  expect(new Set(ids).size).toBeLessThanOrEqual(2);
  expect(pool.getStats().threads).toBeLessThanOrEqual(2);
});

test("close ends running, waiting and later tasks, and all threads", async () => {
  const pool = openPool({ maxThreads: 1 });
  const flags = sharedFlags();
  const looping = codeOf(pool.run(task("loop"), flags));
  const waiting = codeOf(pool.run(task("echo"), 1));
  await begun(flags);
  await Promise.all([pool.close(), pool.close()]);
  expect(await looping).toBe("WORKERS_POOL_CLOSED");
  expect(await waiting).toBe("WORKERS_POOL_CLOSED");
  expect(await codeOf(pool.run(task("echo"), 2))).toBe("WORKERS_POOL_CLOSED");
  expect(pool.getStats().threads).toBe(0);
});

test("a closed pool lets its process end by itself", async () => {
  const door = new URL("../../dist/workers/index.js", import.meta.url).href;
  const script = `
    const { WorkerPool } = await import(${JSON.stringify(door)});
    const pool = new WorkerPool();
    const file = new URL(${JSON.stringify(file.href)});
    console.log(await pool.run({ file, name: "echo" }, "ran"));
    const looping = pool.run({ file, name: "loop" }, new Int32Array(new SharedArrayBuffer(8)));
    await Promise.all([pool.close(), looping.catch((error) => console.log(error.code))]);
  `;
  // The timeout turns a process that stays into a failure; it is not what ends a good one.
  const options = { timeout: 20_000, killSignal: "SIGKILL" as const };
  const run = promisify(execFile);
  const args = ["--input-type=module", "-e", script];
  const { stdout } = await run(process.execPath, args, options);
  expect(stdout).toBe("ran\nWORKERS_POOL_CLOSED\n");
});

test("what a thread prints goes to standard error", async () => {
  const door = new URL("../../dist/workers/index.js", import.meta.url).href;
  // A thread that is ended loses what it printed last, so the end waits until it has come.
  const script = `
    const { WorkerPool } = await import(${JSON.stringify(door)});
    const pool = new WorkerPool();
    const printed = new Promise((resolve) => {
      let text = "";
      const write = process.stderr.write.bind(process.stderr);
      process.stderr.write = (chunk, ...rest) => {
        text += chunk;
        if (text.split("\\n").length === 3) resolve();
        return write(chunk, ...rest);
      };
    });
    await pool.run({ file: new URL(${JSON.stringify(file.href)}), name: "print" }, "from a thread");
    const awake = setInterval(() => {}, 1_000);
    await printed;
    clearInterval(awake);
    await pool.close();
  `;
  const args = ["--input-type=module", "-e", script];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  expect([stdout, stderr]).toEqual(["", "from a thread\nfrom a thread\n"]);
});

test("an unknown option is refused", () => {
  expect(() => new WorkerPool({ maxThread: 1 } as never)).toThrow(/did you mean "maxThreads"/);
});
