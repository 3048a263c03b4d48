/** Frames that no honest client sends, from a seed. */
import type { Random } from "./random.js";

/** Stands in everything that is sent as a message's body, and must be found nowhere else. */
export const CANARY = "canary-3f9a41c7";

const HEADER_BYTES = 8;
const LENGTHS = [0n, 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n, 2n ** 31n, 402_653_185n];
const COMMANDS = ["PUSH", "PUSH_FOR_NV_INGEST", "POP", "SIZE", "PING", "CANCEL", "DEAD", "NOPE"];
const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "q",
  CANARY,
  [],
  {},
  [[[]]],
  { __proto__: null },
  "\u0000\ud800",
  "x".repeat(5_000),
];
const MEMBERS = [
  "command",
  "queue_name",
  "message",
  "timeout",
  "lease",
  "job_id",
  "action",
  "__proto__",
];

function frame(body: Buffer, length = BigInt(body.length)): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64BE(length);
  return Buffer.concat([header, body]);
}

/** A request of the right shape, more or less. */
function request(random: Random): string {
  const members: [string, unknown][] = [["command", random.pick(COMMANDS)]];
  for (let count = random.below(6); count > 0; count--) {
    members.push([random.pick(MEMBERS), random.pick(VALUES)]);
  }
  if (random.chance(0.5)) members.push(["queue_name", "q"], ["message", `{"a":"${CANARY}"}`]);
  // By hand: an object could not have a member twice, or one that is called __proto__.
  const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${texts.join(random.pick([",", " , ", ",,"]))}}`;
}

const KINDS: readonly ((random: Random) => Buffer)[] = [
  (random) => random.bytes(random.between(1, 64)),
  (random) => frame(random.bytes(random.between(1, 200))),
  (random) => frame(Buffer.from(CANARY), random.pick(LENGTHS)),
  (random) => frame(Buffer.from(request(random))),
  (random) => frame(Buffer.from(request(random))),
  // A frame that is cut short, or longer than it says.
  (random) => {
    const body = Buffer.from(request(random));
    return frame(body, BigInt(Math.max(0, body.length + random.between(-10, 10))));
  },
  // UTF-8 that ends in the middle of a letter, or is none.
  (random) => {
    const text = `{"command":"PUSH","queue_name":"q","timeout":1,"message":"${CANARY} `;
    const bad = random.pick([[0xe2, 0x82], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8]]);
    return frame(Buffer.concat([Buffer.from(text), Buffer.from(bad), Buffer.from('"}')]));
  },
  // Nested too deeply for anybody's stack.
  (random) => {
    const depth = random.between(1_000, 20_000);
    const nest = random.pick(["[", '{"a":', '[{"a":']).repeat(depth);
    const message = JSON.stringify(nest + CANARY);
    const isInside = random.chance(0.5);
    const member = isInside ? message : nest;
    return frame(
      Buffer.from(`{"command":"PUSH_FOR_NV_INGEST","queue_name":"q","message":${member}}`),
    );
  },
  // One bit of an honest request.
  (random) => {
    const honest = frame(
      Buffer.from(`{"command":"PUSH","queue_name":"q","message":"${CANARY}","timeout":1}`),
    );
    const at = random.below(honest.length);
    honest[at] = (honest[at] as number) ^ (1 << random.below(8));
    return honest;
  },
  // An ACK that nobody asked for.
  (random) => frame(Buffer.from(`{"transaction_id":"${random.below(1e9)}","ack":true}`)),
];

/** 200,000 levels, which is sent a few times only. */
export function veryDeep(): Buffer {
  const nest = "[".repeat(200_000);
  return frame(Buffer.from(`{"command":"PUSH","queue_name":"q","message":${nest}`));
}

export function garbage(random: Random): Buffer {
  return random.pick(KINDS)(random);
}
