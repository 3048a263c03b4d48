/** Starts a redis-server, tells of it on standard output, and never ends it: it is there to be killed. */
import { startRedis } from "./redis-server.js";

const redis = await startRedis();
const [, folder] = (await redis.command("CONFIG", "GET", "dir")) as [string, string];
process.stdout.write(`${JSON.stringify({ pid: redis.pid, folder })}\n`);
