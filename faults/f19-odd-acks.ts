import type { Response } from "millrace/wire";
import { Broker } from "./harness/broker.js";
import { ackFrame, drain, popFrame, push, pushFrame, size } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { LineLost, RawLine } from "./harness/raw-line.js";
import { until } from "./harness/waits.js";

const NO_ACK = "ACK not received.";
/** Lease and wait for an ACK where one is to come too late, in seconds. */
const SHORT_S = 0.3;

export const f19: Fault = {
  name: "F19",
  title: "an ACK twice, of another transaction, and too late",
  limitMs: 120_000,
  async run(trial) {
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    const rounds = trial.count(100, 5);
    let doubles = 0;
    for (let round = 0; round < rounds; round++) {
      for (const act of [twice, foreign, late]) {
        const queue = `${act.name} ${round}`;
        const wrong = await act(broker.port, queue);
        for (const text of wrong) trial.problem(`${queue}: ${text}`);
        doubles += wrong.length;
      }
    }
    return `${rounds} rounds of pushes and pops with each: double effects ${doubles}`;
  },
};

type Wrong = Promise<string[]>;

/** The second ACK is no request, so it is refused; the first has done its work, once. */
async function twice(port: number, queue: string): Wrong {
  const wrong: string[] = [];
  const line = await RawLine.open(port);
  const first = await line.ask(pushFrame(queue, "a"));
  line.write(Buffer.concat([ackFrame(first.transactionId), ackFrame(first.transactionId)]));
  if ((await line.read()).code !== 0) wrong.push("the push was not stored");
  const second = await answerOrEnd(line);
  if (second?.code === 0) wrong.push("the second ACK was taken for something");
  line.drop();
  await push(port, queue, "b");
  const popper = await RawLine.open(port);
  const popped = await popper.ask(popFrame(queue));
  popper.write(Buffer.concat([ackFrame(popped.transactionId), ackFrame(popped.transactionId)]));
  if ((await popper.read()).code !== 0) wrong.push("the pop was not settled");
  await answerOrEnd(popper);
  popper.drop();
  return [...wrong, ...differs(await drain(port, queue), ["b"])];
}

async function foreign(port: number, queue: string): Wrong {
  const wrong: string[] = [];
  const [own, other] = [await RawLine.open(port), await RawLine.open(port)];
  const ours = await own.ask(pushFrame(queue, "own"));
  const theirs = await other.ask(pushFrame(queue, "other"));
  const refused = await own.ask(ackFrame(theirs.transactionId));
  if (refused.reason !== NO_ACK) wrong.push(`a foreign ACK was answered ${refused.reason}`);
  const stored = await other.ask(ackFrame(theirs.transactionId));
  if (stored.code !== 0) wrong.push("the other push suffered from it");
  own.drop();
  await other.end();
  const popper = await RawLine.open(port);
  await popper.ask(popFrame(queue));
  const kept = await popper.ask(ackFrame(ours.transactionId));
  if (kept.reason !== NO_ACK) wrong.push("a pop was settled by the ACK of a push");
  popper.drop();
  await until("the message is back", 10_000, async () => (await size(port, queue)) === 1);
  return [...wrong, ...differs(await drain(port, queue), ["other"])];
}

async function late(port: number, queue: string): Wrong {
  const wrong: string[] = [];
  const pusher = await RawLine.open(port);
  const first = await pusher.ask(pushFrame(queue, "late", SHORT_S));
  const expired = await pusher.read();
  if (expired.reason !== NO_ACK) wrong.push(`an ACK that is missing: ${expired.reason}`);
  pusher.write(ackFrame(first.transactionId));
  const after = await answerOrEnd(pusher);
  if (after?.code === 0) wrong.push("a late ACK stored a push");
  pusher.drop();
  await push(port, queue, "kept");
  const popper = await RawLine.open(port);
  const popped = await popper.ask(popFrame(queue, SHORT_S));
  await popper.read();
  popper.write(ackFrame(popped.transactionId));
  if ((await answerOrEnd(popper))?.code === 0) wrong.push("a late ACK settled a pop");
  popper.drop();
  return [...wrong, ...differs(await drain(port, queue), ["kept"])];
}

async function answerOrEnd(line: RawLine): Promise<Response | undefined> {
  const answer = line.read(10_000).catch((error: unknown) => {
    if (!(error instanceof LineLost)) throw error;
    return undefined;
  });
  return Promise.race([answer, line.lost.then(() => undefined)]);
}

function differs(bodies: readonly string[], expected: readonly string[]): string[] {
  return bodies.join() === expected.join() ? [] : [`the queue held "${bodies}", not "${expected}"`];
}
