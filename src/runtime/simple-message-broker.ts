/** The broker as everybody gets it: queues and network of the room broker, with a ledger of jobs. */
import {
  type BrokerConfig,
  BrokerOptions,
  type FileLayer,
  MessageBroker,
} from "../broker/index.js";
import { type Logger, parseOptions, silentLogger } from "../core/index.js";
import { Ledger } from "./ledger/ledger.js";
import { type LedgerConfig, LedgerOptions } from "./ledger/options.js";

export const SimpleMessageBrokerOptions = BrokerOptions.extend(LedgerOptions.shape);
export type SimpleMessageBrokerOptions = (typeof SimpleMessageBrokerOptions)["_zod"]["input"];
export type SimpleMessageBrokerConfig = BrokerConfig & LedgerConfig;

export interface SimpleMessageBrokerDependencies {
  readonly logger?: Logger;
  /** The files of a durable store; those of the system unless given. */
  readonly files?: FileLayer;
}

/**
 * A message broker in this process that speaks the protocol of nv-ingest's simple broker, and answers
 * each job it accepts exactly once. See `MessageBroker` for what it can be asked.
 */
export class SimpleMessageBroker extends MessageBroker {
  /** Touches no file and no port yet. @throws OPTIONS_INVALID */
  constructor(
    options: SimpleMessageBrokerOptions = {},
    dependencies: SimpleMessageBrokerDependencies = {},
  ) {
    const config = parseOptions(SimpleMessageBrokerOptions, options, "SimpleMessageBroker");
    const { logger = silentLogger } = dependencies;
    super(config, { ...dependencies, logger, ledger: new Ledger(config, { logger }) });
  }
}
