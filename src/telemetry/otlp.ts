/**
 * Sends spans to a collector by OTLP over HTTP. The packages that do it are optional and loaded here
 * only, when an endpoint is configured; the global tracer of the process is left alone.
 */
import type { Tracer } from "@opentelemetry/api";
import { type Logger, messageOf, settlesWithin, VERSION } from "../core/index.js";
import { TelemetryErrors } from "./errors.js";
import type { TracingConfig } from "./options.js";
import { TraceIds } from "./trace-id.js";

const SDK = "@opentelemetry/sdk-trace-node";
const EXPORTER = "@opentelemetry/exporter-trace-otlp-http";
const TRACES_PATH = "/v1/traces";
const BATCH_SPANS = 512;
/**
 * What does not fit is dropped. A flush sends all batches at once, and the exporter refuses more than
 * thirty, so there are never more than sixteen.
 */
const QUEUE_SPANS = 16 * BATCH_SPANS;
const EXPORT_MS = 10_000;

export interface Tracing {
  readonly tracer: Tracer;
  readonly traceIds: TraceIds;
  /** Sends what is there, as far as the time allows. Never rejects. */
  stop(options: { readonly timeoutMs: number }): Promise<void>;
}

/** Where spans go; undefined when nobody wants them. */
export function tracesUrl(config: TracingConfig): string | undefined {
  const { otlpEndpoint, otlpTracesEndpoint } = config;
  if (otlpTracesEndpoint !== undefined) return otlpTracesEndpoint;
  if (otlpEndpoint === undefined) return undefined;
  const url = new URL(otlpEndpoint);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith(TRACES_PATH) ? path : `${path}${TRACES_PATH}`;
  return url.href;
}

/** Connects to nothing yet: spans that cannot be sent are a warning. @throws TELEMETRY_PEER_MISSING */
export async function openTracing(
  { url, serviceName }: { readonly url: string; readonly serviceName: string },
  { logger }: { readonly logger: Logger },
): Promise<Tracing> {
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }] = await Promise.all([
    load(SDK, () => import("@opentelemetry/sdk-trace-node")),
    load(EXPORTER, () => import("@opentelemetry/exporter-trace-otlp-http")),
  ]);
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS });
  const traceIds = new TraceIds();
  const provider = new NodeTracerProvider({
    resource: resource({ "service.name": serviceName, "service.version": VERSION }),
    idGenerator: traceIds,
    spanProcessors: [
      new BatchSpanProcessor(tellingFailures(exporter, logger), {
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: BATCH_SPANS,
        exportTimeoutMillis: EXPORT_MS,
      }),
    ],
  });
  return {
    tracer: provider.getTracer("millrace", VERSION),
    traceIds,
    async stop({ timeoutMs }) {
      // Why spans could not be sent was told; that the last ones were not, too.
      const stopped = provider.shutdown().catch(() => {});
      if (await settlesWithin(stopped, timeoutMs)) return;
      logger.warn({ timeoutMs }, "the last spans could not be sent in time");
    },
  };
}

async function load<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing || !messageOf(error).includes(`'${name}'`)) throw error;
    const command = `npm install ${SDK} ${EXPORTER}`;
    throw TelemetryErrors.PEER_MISSING({ peer: name, command }, error);
  }
}

interface Exporter<Spans> {
  export(spans: Spans, done: (result: ExportOutcome) => void): void;
  shutdown(): Promise<void>;
}

interface ExportOutcome {
  /** 0: sent. */
  readonly code: number;
  readonly error?: Error;
}

/** The SDK keeps failures to itself; the operator is told once when they begin and when they end. */
function tellingFailures<Spans>(exporter: Exporter<Spans>, logger: Logger): Exporter<Spans> {
  let isFailing = false;
  return {
    export(spans, done) {
      exporter.export(spans, (outcome) => {
        const hasFailed = outcome.code !== 0;
        if (hasFailed && !isFailing) {
          logger.warn({ error: messageOf(outcome.error) }, "spans cannot be sent");
        }
        if (!hasFailed && isFailing) logger.info({}, "spans are sent again");
        isFailing = hasFailed;
        done(outcome);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** The package that makes these is not among the peers, and the shape is small. */
function resource(attributes: Record<string, string>) {
  const self = {
    attributes,
    merge: () => self,
    getRawAttributes: () => Object.entries(attributes) as [string, string][],
  };
  return self;
}
