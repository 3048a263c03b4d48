/** A line to a server that can be cut and mended, as a network does it. */
import { connect, createServer, type Socket } from "node:net";
import type { Cleanup } from "./start-broker.js";

export interface TcpProxy {
  readonly port: number;
  /** Resets every connection; new ones are closed at once until `mend`. */
  cut(): void;
  mend(): void;
}

export async function startProxy(t: Cleanup, targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer({ noDelay: true }, (near) => {
    keep(near);
    if (isCut) {
      near.destroy();
      return;
    }
    const far = keep(connect({ host: "127.0.0.1", port: targetPort, noDelay: true }));
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  t.onTestFinished(async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  });
  const mend = () => {
    isCut = false;
  };
  return { port: (server.address() as { port: number }).port, cut, mend };
}
