/** HTTP as a supervisor or a hostile peer speaks it. */
import { connect } from "node:net";

/** Everything that comes back for raw bytes, until the peer closes. */
export function rawAnswer(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (text: string) => {
      answer += text;
    });
    // A reset after the answer is as good as an end.
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

export async function getText(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}
