/**
 * Goal: whatever happens to one task, its caller gets one clear answer and no other task notices.
 * Method: real threads running the tasks of `fixtures/tasks.mjs`: throwing, exiting, looping for
 * ever, eating memory. Shared flags tell when a loop has begun; nothing sleeps.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { hasCode } from "../core/index.js";
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
  expect(await codeOf(pool.run(task("exit"), null))).toBe("WORKERS_THREAD_EXITED");
  expect(await codeOf(pool.run(task("throwLater"), null))).toBe("WORKERS_THREAD_EXITED");
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

test("an unknown option is refused", () => {
  expect(() => new WorkerPool({ maxThread: 1 } as never)).toThrow(/did you mean "maxThreads"/);
});
