/** The message broker: in process, over TCP, or in a process of its own. */
export { BrokerErrors } from "./errors.js";
export { type SimpleMessageBrokerConfig, SimpleMessageBrokerOptions } from "./options.js";
export { SimpleMessageBroker, type SimpleMessageBrokerStats } from "./simple-message-broker.js";
export { type BrokerHandle, startSimpleMessageBroker } from "./start-simple-message-broker.js";
