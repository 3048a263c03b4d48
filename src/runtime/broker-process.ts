/**
 * Entry of the broker's own process: gets its options from its parent, reports where it listens, and
 * ends when the parent asks or is gone.
 */
import { type Logger, MillraceError, silentLogger } from "../core/index.js";
import { RuntimeErrors } from "./errors.js";
import { SimpleMessageBroker, type SimpleMessageBrokerOptions } from "./simple-message-broker.js";
import type { ChildReport } from "./start-simple-message-broker.js";

/** What the parent cannot be told any more, such as dropped messages, goes to its stderr. */
const say = (details: object, text: string) => {
  process.stderr.write(`broker (pid ${process.pid}): ${text} ${JSON.stringify(details)}\n`);
};
const logger: Logger = { ...silentLogger, warn: say, error: say };

/** As the command line ends with what is nobody's wrong usage. */
const FAILED = 70;

process.once("message", async (options: SimpleMessageBrokerOptions) => {
  const report = (message: ChildReport) => process.send?.(message);
  const broker = new SimpleMessageBroker(options, { logger });
  process.once("disconnect", () => broker.stop().then(() => process.exit(0)));
  // Who asks this process itself to end gets the same end, and hears what was dropped.
  process.once("SIGTERM", () => {
    if (process.connected) process.disconnect();
  });
  // A Ctrl-C reaches the whole group of processes; the parent decides when this one ends.
  process.on("SIGINT", () => {});
  try {
    await broker.start();
    report({ host: broker.host, port: broker.port });
    // A disk that failed: whoever started it sees the process end.
    broker.ended?.catch(() => broker.stop().then(() => process.exit(FAILED)));
  } catch (error) {
    const known =
      error instanceof MillraceError
        ? error
        : RuntimeErrors.BROKER_PROCESS_FAILED({ reason: `${error}` });
    report({ error: known.toJSON() });
    process.disconnect();
  }
});
