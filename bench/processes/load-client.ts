/** The TypeScript client under load, in a process of its own. */
import { SimpleClient } from "millrace";
import { type LoadBounds, runLoad } from "../load.js";
import { jobText, TASK_QUEUE } from "../messages.js";
import { runJob } from "../run-job.js";
import { serveCalls } from "../worker.js";

export interface OperationLoad extends LoadBounds {
  readonly port: number;
  readonly operation: "ping" | "push" | "pop";
  readonly queueName: string;
  readonly bytes: number;
}

export interface JobLoad extends LoadBounds {
  readonly port: number;
  readonly bytes: number;
}

export interface PairLoad extends JobLoad {
  readonly queueName: string;
}

serveCalls({
  /** Each client is a `SimpleClient` of its own, and has a connection of its own. */
  async operations({ port, operation, queueName, bytes, ...bounds }: OperationLoad) {
    const message = operation === "push" ? jobText(bytes) : "";
    const clients = Array.from(
      { length: bounds.clients },
      () => new SimpleClient({ host: "127.0.0.1", port }),
    );
    await Promise.all(clients.map((client) => client.ping()));
    const operate = async (index: number) => {
      const client = clients[index] as SimpleClient;
      if (operation === "ping") await client.ping();
      else if (operation === "push") await client.submitMessage(queueName, message);
      else if ((await client.fetchMessage(queueName)) === undefined) throw new Error("no message");
    };
    try {
      return await runLoad(bounds, operate);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  },
  /** One `SimpleClient`, as a program would have it, with so many jobs in flight. */
  async jobs({ port, bytes, ...bounds }: JobLoad) {
    const client = new SimpleClient({ host: "127.0.0.1", port });
    const job = jobText(bytes);
    try {
      return await runLoad(bounds, () => runJob(client, TASK_QUEUE, job));
    } finally {
      await client.close();
    }
  },
  /** One `SimpleClient` that pushes a message and pops one, so many times side by side. */
  async pairs({ port, bytes, queueName, ...bounds }: PairLoad) {
    const client = new SimpleClient({ host: "127.0.0.1", port });
    const message = jobText(bytes);
    try {
      return await runLoad(bounds, async () => {
        await client.submitMessage(queueName, message);
        if ((await client.fetchMessage(queueName)) === undefined) throw new Error("no message");
      });
    } finally {
      await client.close();
    }
  },
  /** Handshakes of the client itself, against the bare stub. */
  async handshakes({ port, bytes, ...bounds }: JobLoad) {
    const client = new SimpleClient({ host: "127.0.0.1", port });
    const job = jobText(bytes);
    try {
      return await runLoad(bounds, () => client.submitMessage(TASK_QUEUE, job));
    } finally {
      await client.close();
    }
  },
});
