/**
 * Serves metrics and health over HTTP to whoever watches this process. Answers are small and made
 * anew for each request; every connection ends with its answer, so that none can pile up.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Component, KiB, type Logger, messageOf } from "../core/index.js";
import { TelemetryErrors } from "./errors.js";
import type { Health } from "./health.js";
import type { MetricsConfig } from "./options.js";

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i;
const CONNECTIONS_MAX = 64;
/** From the first byte of a request to its last, and how long a peer may read nothing. */
const REQUEST_MS = 5_000;
const LIMITS = {
  maxHeaderSize: 8 * KiB,
  headersTimeout: REQUEST_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: 1_000,
} as const;
const JSON_TYPE = "application/json; charset=utf-8";

export interface MetricsPages {
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly health: { live(): Health; ready(): Promise<Health> };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Errors of `start`: TELEMETRY_REMOTE_REFUSED, TELEMETRY_PORT_TAKEN, TELEMETRY_LISTEN_FAILED. */
export class MetricsServer extends Component {
  readonly host: string;
  readonly #port: number;
  readonly #allowRemote: boolean;
  readonly #pages: MetricsPages;
  readonly #logger: Logger;
  #server: Server | undefined;

  constructor(
    { host, port, allowRemote }: Omit<MetricsConfig, "livenessMs">,
    pages: MetricsPages,
    { logger }: { readonly logger: Logger },
  ) {
    super();
    this.host = host;
    this.#port = port ?? 0;
    this.#allowRemote = allowRemote;
    this.#pages = pages;
    this.#logger = logger;
  }

  /** The port that is listened at; before `start` the one asked for. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : this.#port;
  }

  protected override async onStart(): Promise<void> {
    const { host } = this;
    if (!LOOPBACK.test(host) && !this.#allowRemote) throw TelemetryErrors.REMOTE_REFUSED({ host });
    const server = createServer(LIMITS, (request, response) => {
      void this.#respond(request, response);
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.timeout = REQUEST_MS;
    await this.#listen(server);
    server.on("error", (error) => {
      this.#logger.error({ error: messageOf(error) }, "metrics: a connection was not accepted");
    });
    this.#server = server;
    this.#logger.info({ host, port: this.port }, "metrics are served");
  }

  protected override async onStop(): Promise<void> {
    const server = this.#server as Server;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
    this.#server = undefined;
  }

  async #listen(server: Server): Promise<void> {
    const { host } = this;
    const port = this.#port;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") {
        throw TelemetryErrors.PORT_TAKEN({ host, port }, error);
      }
      throw TelemetryErrors.LISTEN_FAILED({ host, port, reason: messageOf(error) }, error);
    }
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#answer(request).catch((error: unknown): Answer => {
      this.#logger.error({ error: messageOf(error) }, "metrics could not be told");
      return { status: 500, type: "text/plain", body: "metrics could not be told\n" };
    });
    response.shouldKeepAlive = false;
    const allow = status === 405 ? { Allow: "GET" } : {};
    const cache = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" };
    response.writeHead(status, {
      "Content-Type": type,
      "Content-Length": Buffer.byteLength(body),
      ...cache,
      ...allow,
    });
    response.end(body);
  }

  async #answer({ method, url = "" }: IncomingMessage): Promise<Answer> {
    const page = this.#pageAt(url.split("?", 1)[0] as string);
    if (page === undefined) return { status: 404, type: "text/plain", body: "not found\n" };
    if (method !== "GET") return { status: 405, type: "text/plain", body: "only GET\n" };
    return page();
  }

  #pageAt(path: string): (() => Promise<Answer>) | undefined {
    const { metrics, health } = this.#pages;
    switch (path) {
      case "/metrics":
        return async () => ({
          status: 200,
          type: metrics.contentType,
          body: await metrics.text(),
        });
      case "/health/live":
        return async () => healthAnswer("live", health.live());
      case "/health/ready":
        return async () => healthAnswer("ready", await health.ready());
      default:
        return undefined;
    }
  }
}

function healthAnswer(word: string, { isWell, facts }: Health): Answer {
  const body = `${JSON.stringify({ status: isWell ? word : `not ${word}`, ...facts })}\n`;
  return { status: isWell ? 200 : 503, type: JSON_TYPE, body };
}
