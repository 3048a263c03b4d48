/** A broker in a process of its own. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { MillraceError, type PlainError, parseOptions } from "../core/index.js";
import { RuntimeErrors } from "./errors.js";
import { SimpleMessageBrokerOptions } from "./simple-message-broker.js";

const START_MS = 15_000;
/** The broker drains in less; then its process is ended. */
const STOP_EXTRA_MS = 2_000;

export interface BrokerHandle extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
  /** Resolves when the process is gone; within `drainTimeoutMs` and two seconds. */
  stop(): Promise<void>;
}

/** What the child says once: where it listens, or why it does not. */
export type ChildReport =
  | { readonly host: string; readonly port: number }
  | { readonly error: PlainError };

/**
 * Starts a broker in a process of its own, which ends when this process does. Resolves when it
 * listens.
 *
 * @throws OPTIONS_INVALID, BROKER_REMOTE_REFUSED, BROKER_PORT_TAKEN, BROKER_LISTEN_FAILED,
 *   STORE_LOCKED, STORE_FORMAT_UNKNOWN, STORE_UNUSABLE, RUNTIME_BROKER_PROCESS_FAILED
 */
export async function startSimpleMessageBroker(
  options: SimpleMessageBrokerOptions = {},
): Promise<BrokerHandle> {
  const config = parseOptions(SimpleMessageBrokerOptions, options, "startSimpleMessageBroker");
  const entry = fileURLToPath(new URL("./broker-process.js", import.meta.url));
  const child = fork(entry, [], {
    // Options of this process, such as a debugger's port, are not the broker's.
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const report = await new Promise<ChildReport>((resolve, reject) => {
    const fail = (reason: string) => reject(RuntimeErrors.BROKER_PROCESS_FAILED({ reason }));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`no answer within ${START_MS} ms`);
    }, START_MS);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`));
    child.once("message", (message) => resolve(message as ChildReport));
    child.once("spawn", () => child.send(config));
    exited.then(() => clearTimeout(timer));
    child.once("message", () => clearTimeout(timer));
  });
  if ("error" in report) {
    await exited;
    throw new MillraceError(report.error);
  }
  // The broker must not keep a program alive that has nothing else to do.
  child.unref();
  child.channel?.unref();
  const stop = () => {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    child.ref();
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), config.drainTimeoutMs + STOP_EXTRA_MS);
    return exited.finally(() => clearTimeout(timer));
  };
  const { host, port } = report;
  return { host, port, pid: child.pid as number, exited, stop, [Symbol.asyncDispose]: stop };
}
