import { Broker } from "./harness/broker.js";
import { drain, push } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { Proc } from "./harness/processes.js";
import { eachOf } from "./harness/waits.js";

const USAGE = 2;

export const f33: Fault = {
  name: "F33",
  title: "a second start on the same data directory",
  limitMs: 300_000,
  async run(trial) {
    const dataDir = trial.folder();
    const broker = await Broker.start(trial, { dataDir });
    await push(broker.port, "q", "before");
    const starts = trial.count(50, 4);
    const args = ["broker", "--port", "0", "--json", "--data-dir", dataDir];
    await eachOf(starts, 4, async () => {
      const second = Proc.millrace(trial, args);
      const { code } = await second.ended;
      trial.check(code === USAGE, `the second ended with ${code}`);
      const isNamed = second.stderr.includes(`${broker.pid}`);
      trial.check(isNamed, `the owner ${broker.pid} is not named: ${second.stderr.slice(-300)}`);
    });
    await push(broker.port, "q", "after");
    // Nobody is the owner now, and several want to be: one may.
    await broker.kill();
    const racers = Array.from({ length: 4 }, () => Proc.millrace(trial, args));
    const winners = await Promise.all(
      racers.map(async (racer) => {
        const ready = racer.event("listening").then(() => true);
        return (await Promise.race([ready, racer.ended.then(() => false)]).catch(() => false))
          ? racer
          : undefined;
      }),
    );
    const [winner, ...others] = winners.filter((racer) => racer !== undefined);
    trial.check(winner !== undefined && others.length === 0, `${others.length + 1} won the race`);
    const url = String((await winner?.event("listening"))?.url);
    const bodies = await drain(Number(new URL(url).port), "q");
    const isWhole = bodies.join() === "before,after";
    trial.check(isWhole, `the queue holds ${bodies}`);
    return `${starts} second starts refused, 1 of 4 in a race: corruptions ${isWhole ? 0 : 1}`;
  },
};
