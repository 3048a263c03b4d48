/** Ports for programs that cannot choose one themselves. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below those that the system gives to connections and to whoever asks for any port: it stays free
 * also while a server that is to come back is away.
 */
const FIRST = 10_240;
const END = 32_000;

export async function freePort(host: string): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isFree(host, port)) return port;
  }
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
