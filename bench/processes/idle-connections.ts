/** Opens connections that ask for nothing. */
import { connect, type Socket } from "node:net";
import { serveCalls } from "../worker.js";

/** Dialled at a time. */
const WIDTH = 200;
const sockets: Socket[] = [];

function dial(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port }, resolve);
    socket.on("error", reject);
    sockets.push(socket);
  });
}

serveCalls({
  async open({ port, count }: { port: number; count: number }) {
    let opened = 0;
    const loop = async () => {
      while (opened < count) {
        opened++;
        await dial(port);
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, loop));
    return sockets.length;
  },
  async countOpen() {
    return sockets.filter((socket) => socket.readyState === "open").length;
  },
});
