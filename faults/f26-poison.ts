import { SimpleClient } from "millrace";
import { Broker } from "./harness/broker.js";
import { targetOf } from "./harness/clients.js";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf, failureOf, jobText, startPipeline, TASK_QUEUE } from "./harness/jobs.js";
import { ResultReader } from "./harness/results.js";

const CONCURRENCY = 4;
const NEIGHBOURS = 30;
const MAX_DELIVERIES = 3;

export const f26: Fault = {
  name: "F26",
  title: "a document that kills its worker",
  limitMs: 600_000,
  async run(trial) {
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: ["--max-deliveries", `${MAX_DELIVERIES}`],
    });
    const client = new SimpleClient({ port: broker.port });
    trial.defer(() => client.close());
    const supervisor = supervise(trial, broker.port);
    const rounds = trial.count(20, 2);
    let neighbourFailures = 0;
    for (let round = 0; round < rounds; round++) {
      neighbourFailures += await oneRound(trial, { broker, client, round });
    }
    supervisor.stop();
    const { count } = await client.deadLetters.list();
    trial.check(count === rounds, `${count} dead letters of ${rounds}`);
    const kills = supervisor.deaths();
    trial.check(kills >= rounds * MAX_DELIVERIES, `only ${kills} workers died`);
    return (
      `${rounds} poisoned jobs in ${count} dead letters after ${kills / rounds} deaths each: ` +
      `neighbour failures ${neighbourFailures} of ${rounds * NEIGHBOURS}`
    );
  },
};

/** Starts the worker again whenever it has died. */
function supervise(trial: Trial, port: number): { stop(): void; deaths(): number } {
  let deaths = 0;
  let isStopped = false;
  const run = async () => {
    while (!isStopped) {
      const worker = await startPipeline(trial, { port, concurrency: CONCURRENCY, isQuiet: true });
      await worker.ended;
      deaths++;
    }
  };
  run().catch((error: unknown) => {
    if (!isStopped) trial.problem(`the supervisor failed: ${error}`);
  });
  trial.defer(() => {
    isStopped = true;
  });
  return {
    stop: () => {
      isStopped = true;
    },
    deaths: () => deaths,
  };
}

async function oneRound(
  trial: Trial,
  { broker, client, round }: { broker: Broker; client: SimpleClient; round: number },
): Promise<number> {
  const submit = async (order: string, name: string) => {
    const text = jobText(order, `${round} ${name}`);
    return (await client.submitMessage(TASK_QUEUE, text, { forNvIngest: true })).transactionId;
  };
  const neighbours: string[] = [];
  let poisoned = "";
  const poisonAt = trial.random.below(NEIGHBOURS);
  for (let number = 0; number < NEIGHBOURS; number++) {
    if (number === poisonAt) poisoned = await submit("poison", "poison");
    neighbours.push(await submit("work 40", `neighbour ${number}`));
  }
  const reader = new ResultReader(targetOf(broker));
  trial.defer(() => reader.close());
  let failures = 0;
  for (const jobId of neighbours) {
    const ending = endingOf(await reader.fetch(jobId));
    if (ending !== "success") failures++;
    trial.check(ending === "success", `round ${round}: a neighbour ended as ${ending}`);
  }
  const text = await reader.fetch(poisoned);
  trial.check(
    endingOf(text) === "givenUp",
    `round ${round}: the poison ended as ${endingOf(text)}`,
  );
  const { cause } = failureOf(text);
  trial.check(/maxDeliveries/.test(cause), `round ${round}: the result does not say why: ${cause}`);
  const letter = await client.deadLetters.show(poisoned);
  trial.check(letter?.cause === "deliveries", `round ${round}: no dead letter for the poison`);
  trial.check(
    letter?.deliveries === MAX_DELIVERIES,
    `it was delivered ${letter?.deliveries} times`,
  );
  return failures;
}
