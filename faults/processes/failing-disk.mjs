/**
 * A broker on a disk whose flush fails with EIO from some call on, and for ever. Its arguments are the
 * data directory and how many flushes go well. It does in its own process what clients do from
 * outside, too, because only here can be seen what was called stored after the failure.
 */
import { SimpleMessageBroker } from "millrace";
import { encodeBody } from "millrace/wire";
import { realFiles } from "../../dist/broker/store/segments/disk/file-layer.js";

/** What a failing flush takes, so that nothing said before it is taken for something said after. */
const FAILING_MS = 300;
const FAILED = 70;

const [dataDir, goodFlushes] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let flushes = 0;
let isBroken = false;
let triesAfter = 0;

async function flush(fd) {
  if (isBroken) triesAfter++;
  if (flushes++ < Number(goodFlushes)) return realFiles.flush(fd);
  isBroken = true;
  say({ event: "failing", atMs: Date.now() });
  await new Promise((resolve) => setTimeout(resolve, FAILING_MS));
  throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" });
}

const broker = new SimpleMessageBroker(
  { port: 0, durability: "fsync", dataDir },
  { files: { ...realFiles, flush } },
);
await broker.start();
say({ event: "listening", port: broker.port });

let falseAcks = 0;
async function storeForEver(name) {
  for (let number = 0; ; number++) {
    try {
      await broker.store("own", encodeBody(`${name}-${number}`), { stampJobId: false });
      if (isBroken) falseAcks++;
    } catch {
      return;
    }
  }
}
const own = Promise.all(["a", "b", "c"].map(storeForEver));

broker.ended.catch(async (error) => {
  await own;
  say({ event: "ended", code: error.code, falseAcks, triesAfter });
  await broker.stop();
  process.exit(FAILED);
});
