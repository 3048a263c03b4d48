import { bodyOf, tagOf } from "./harness/bodies.js";
import { Broker } from "./harness/broker.js";
import { ackFrame, drain, popFrame, push, pushFrame, size } from "./harness/calls.js";
import type { Fault, Trial } from "./harness/fault.js";
import { FaultProxy, type Plan } from "./harness/proxy.js";
import { LineLost, RawLine } from "./harness/raw-line.js";
import { until } from "./harness/waits.js";

/** Where the line is cut: by frames of the client and answers of the broker, header included. */
const POINTS: readonly (readonly [string, Plan])[] = [
  ["in the request", { cutRequest: { frame: 1, byte: 20 } }],
  ["after the request", { cutAnswer: { frame: 1, byte: 0 } }],
  ["in the first response", { cutAnswer: { frame: 1, byte: 30 } }],
  ["in the ACK", { cutRequest: { frame: 2, byte: 15 } }],
  ["after the ACK", { cutAnswer: { frame: 2, byte: 8 } }],
  ["in the final response", { cutAnswer: { frame: 2, byte: 40 } }],
];
/** From here on the broker has the ACK. */
const FIRST_AFTER_ACK = 4;

export const f12: Fault = {
  name: "F12",
  title: "the line is cut at each of six points of push and pop",
  limitMs: 300_000,
  async run(trial) {
    const broker = await Broker.start(trial, { dataDir: trial.folder() });
    const proxy = await FaultProxy.start(trial, () => broker.port);
    const rounds = trial.count(50, 3);
    const found: string[] = [];
    for (const [point, [name, cut]] of POINTS.entries()) {
      let [lost, duplicates] = [0, 0];
      for (let round = 0; round < 2 * rounds; round++) {
        // A clean close after the final response means that it was read: that is the broker's only sign.
        const isReset = round % 2 === 0 || point >= FIRST_AFTER_ACK;
        const plan = { ...cut, with: isReset ? "reset" : "close" } as const;
        const scene = { trial, broker, proxy, plan, queue: `${point}-${round}`, name };
        const pushed = await cutPush(scene);
        const popped = await cutPop(scene, point >= FIRST_AFTER_ACK);
        lost += pushed.lost + popped.lost;
        duplicates += pushed.duplicates + popped.duplicates;
      }
      found.push(`${point + 1}: ${lost}/${duplicates}`);
    }
    return `${2 * rounds} pushes and pops per point, lost/dup per point ${found.join(", ")}`;
  },
};

interface Scene {
  readonly trial: Trial;
  readonly broker: Broker;
  readonly proxy: FaultProxy;
  readonly plan: Plan;
  readonly queue: string;
  readonly name: string;
}

interface Found {
  readonly lost: number;
  readonly duplicates: number;
}

/** One handshake; whether it came to its end. */
async function handshake(port: number, frame: Buffer): Promise<boolean> {
  const line = await RawLine.open(port);
  try {
    const first = await line.ask(frame);
    if (first.code !== 0) return false;
    return (await line.ask(ackFrame(first.transactionId))).code === 0;
  } catch (error) {
    if (error instanceof LineLost) return false;
    throw error;
  } finally {
    line.drop();
  }
}

/** The next connection is cut, later ones are not. */
function cutNext({ proxy, plan }: Scene): void {
  const next = proxy.connections;
  proxy.plan = (connection) => (connection === next ? plan : {});
}

async function cutPush(scene: Scene): Promise<Found> {
  const { trial, broker, proxy, queue, name } = scene;
  const { tag, text } = bodyOf(`pushed ${queue}`, 300);
  const frame = pushFrame(`push ${queue}`, text);
  cutNext(scene);
  trial.check(!(await handshake(proxy.port, frame)), `push, ${name}: it was not cut`);
  trial.check(await handshake(proxy.port, frame), `push, ${name}: the repetition failed`);
  const tags = (await drain(broker.port, `push ${queue}`)).map(tagOf);
  trial.check(tags.join() === tag, `push, ${name}: the queue holds ${tags.length} messages`);
  return { lost: tags.length === 0 ? 1 : 0, duplicates: Math.max(0, tags.length - 1) };
}

/** Of two messages the first is popped on a line that is cut. */
async function cutPop(scene: Scene, isSettled: boolean): Promise<Found> {
  const { trial, broker, proxy, name } = scene;
  const queue = `pop ${scene.queue}`;
  await push(broker.port, queue, "first");
  await push(broker.port, queue, "second");
  cutNext(scene);
  const isDone = await handshake(proxy.port, popFrame(queue));
  trial.check(!isDone, `pop, ${name}: it was not cut`);
  const expected = isSettled ? ["second"] : ["first", "second"];
  await until(`pop, ${name}: ${expected.length} are ready`, 10_000, async () => {
    return (await size(broker.port, queue)) === expected.length;
  }).catch((error) => trial.problem(String(error)));
  const bodies = await drain(broker.port, queue);
  trial.check(bodies.join() === expected.join(), `pop, ${name}: then came ${bodies}`);
  const lost = expected.filter((body) => !bodies.includes(body)).length;
  return { lost, duplicates: Math.max(0, bodies.length - expected.length) };
}
