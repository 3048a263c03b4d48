/** Brokers with clients for the client suite: over TCP, in a process of its own, and in process. */

import { MemoryClient, type MessageBrokerClient, SimpleClient } from "../../src/client/index.js";
import { SimpleMessageBroker, startSimpleMessageBroker } from "../../src/runtime/index.js";
import type { ClientBench, ClientBenchOptions, JobsBench } from "../../src/testing/index.js";

/** Real clients, so a close must not take long: retries are few and quick. */
const QUICK = { maxRetries: 2, maxBackoffMs: 50 };

export async function overTcp(options: ClientBenchOptions = {}): Promise<ClientBench> {
  const broker = new SimpleMessageBroker({ port: 0, brokerParams: options });
  await broker.start();
  const { port } = broker;
  return {
    ...withClients(
      () => new SimpleClient({ host: "127.0.0.1", port, ...QUICK }),
      () => broker.stop({ drainTimeoutMs: 1 }),
    ),
    heldCount: () => broker.getStats().waiters,
  };
}

export async function inOwnProcess(options: ClientBenchOptions = {}): Promise<ClientBench> {
  const broker = await startSimpleMessageBroker({ port: 0, brokerParams: options });
  const { host, port } = broker;
  return withClients(
    () => new SimpleClient({ host, port, ...QUICK }),
    () => broker.stop(),
  );
}

export async function inMemory(options: ClientBenchOptions = {}): Promise<ClientBench> {
  const broker = new SimpleMessageBroker({ port: 0, brokerParams: options });
  return {
    ...withClients(
      () => new MemoryClient({ clientType: "memory", broker }),
      () => broker.stop(),
    ),
    heldCount: () => broker.getStats().waiters,
  };
}

/** As `inOwnProcess`, with consumers that crash. */
export async function jobsInOwnProcess(): Promise<JobsBench> {
  const broker = await startSimpleMessageBroker({ port: 0 });
  const { host, port } = broker;
  const bench = withClients(
    () => new SimpleClient({ host, port, ...QUICK }),
    () => broker.stop(),
  );
  return { ...bench, crash: (queueName) => crash(port, queueName) };
}

/** As `inMemory`, and listening besides: only over the network a consumer can crash. */
export async function jobsInMemory(): Promise<JobsBench> {
  const broker = new SimpleMessageBroker({ port: 0 });
  await broker.start();
  const bench = withClients(
    () => new MemoryClient({ clientType: "memory", broker }),
    () => broker.stop({ drainTimeoutMs: 1 }),
  );
  return { ...bench, crash: (queueName) => crash(broker.port, queueName) };
}

/** A client that is closed says nothing of its deliveries: its lines just end. */
async function crash(port: number, queueName: string): Promise<void> {
  const client = new SimpleClient({ host: "127.0.0.1", port, ...QUICK });
  await client.fetchDelivery(queueName, { timeoutMs: 1_000 });
  await client.close();
}

function withClients(
  make: () => MessageBrokerClient,
  stop: () => Promise<void>,
): Omit<ClientBench, "heldCount"> {
  const clients: MessageBrokerClient[] = [];
  return {
    connect: () => {
      const client = make();
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await stop();
    },
  };
}
