/**
 * A consumer as nv-ingest's: takes jobs, acknowledges each at once and works on it afterwards; this one
 * works for ever. Its arguments are the port, the queue and how many jobs it takes.
 */
import { connect } from "node:net";
import { encodeAck, encodePop, FrameReader, parseResponse } from "millrace/wire";

const [port, queueName, count] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

for (let number = 0; number < Number(count); number++) {
  const reader = new FrameReader();
  const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
  let id;
  let jobId;
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    reader.push(chunk);
    for (;;) {
      const frame = reader.next(1e9);
      if (frame === undefined) return;
      const { code, response, transactionId } = parseResponse(frame.body);
      if (id === undefined && code === 0) {
        id = transactionId;
        jobId = JSON.parse(response).job_id;
        socket.write(encodeAck(id, true));
      } else say({ event: "taken", jobId, code });
    }
  });
  socket.write(encodePop(queueName, 30));
}
