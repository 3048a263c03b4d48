/** A server that stands in for a model: it keeps what it is asked, and the test says what it answers. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface AskedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body, where it is JSON. */
  readonly json: unknown;
}

export interface ModelServer {
  /** `http://127.0.0.1:port/v1` */
  readonly url: string;
  /** In the order in which their last bytes came. */
  readonly requests: readonly AskedRequest[];
  /** Requests with an answer still to come, and the most there were at a time. */
  readonly inWork: { readonly now: number; readonly most: number };
}

export type Answer = (request: AskedRequest, response: ServerResponse) => void;

/** Listens until the test is over. What `answer` leaves open hangs until then. */
export async function modelServer(answer: Answer): Promise<ModelServer> {
  const requests: AskedRequest[] = [];
  const inWork = { now: 0, most: 0 };
  const server = createServer(async (incoming, response) => {
    inWork.most = Math.max(inWork.most, ++inWork.now);
    response.on("close", () => inWork.now--);
    const body = await buffer(incoming);
    const { method, url: path, headers } = incoming;
    const isJson = headers["content-type"] === "application/json";
    const json: unknown = isJson ? JSON.parse(body.toString()) : undefined;
    const request = { method, path, headers, body, json };
    requests.push(request);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, requests, inWork };
}

/** An answer of JSON. */
export function answerJson(response: ServerResponse, json: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(json));
}
