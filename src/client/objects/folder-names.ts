/** The names of a folder of objects. Files with other names are never touched. */
import { join } from "node:path";
import { newId } from "../../core/index.js";

const SHARD = /^[a-z0-9-]{1,2}$/;
const OBJECT = /^[a-z0-9-]{1,64}(?:\.[a-z0-9-]{1,64})?\.object$/;
const TEMPORARY = /^[a-z0-9-]{1,64}(?:\.[a-z0-9-]{1,64})?\.[0-9a-f-]{36}\.tmp$/;

/** The first two characters behind the prefix: those are random, and no folder gets too many files. */
export function shardOf(key: string): string {
  const start = key.indexOf("/") + 1;
  return key.slice(start, start + 2);
}

export function fileOf(key: string): string {
  return join(shardOf(key), `${plain(key)}.object`);
}

/** Another one each time: two that write the same key do not meet. */
export function temporaryFileOf(key: string): string {
  return join(shardOf(key), `${plain(key)}.${newId()}.tmp`);
}

/** No key has a dot, so no two keys have the same file. */
function plain(key: string): string {
  return key.replace("/", ".");
}

export function isShard(name: string): boolean {
  return SHARD.test(name);
}

export function isOurs(name: string): boolean {
  return OBJECT.test(name) || TEMPORARY.test(name);
}

export function isTemporary(path: string): boolean {
  return path.endsWith(".tmp");
}
