/**
 * Entry of a child process: keeps checkpoints until it has kept `count`, or until it is killed, and
 * prints its stats. Arguments: folder, bound in bytes, bytes of each, count, how many keys take turns, and
 * what they begin with.
 */
import { FileCheckpointStore } from "millrace/runtime";

const [dir, maxBytes, bytes, count, keys, prefix] = process.argv.slice(2);
const warnings = [];
const ignore = () => {};
const warn = (_, text) => warnings.push(text);
const logger = { debug: ignore, info: ignore, warn, error: ignore };
const store = new FileCheckpointStore({ dir, maxBytes: Number(maxBytes) }, { logger });
await store.open();
for (let index = 0; index < Number(count); index++) {
  // Each byte tells of which save it is.
  await store.save(`${prefix}${index % Number(keys)}`, Buffer.alloc(Number(bytes), index));
}
process.stdout.write(JSON.stringify({ ...store.getStats(), warnings }));
