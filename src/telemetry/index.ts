/** Metrics, traces and health: readers of what others tell of themselves. */
export { TelemetryErrors } from "./errors.js";
export type { BrokerFacts, PipelineFacts, QueueFacts } from "./facts.js";
export { HealthChecks } from "./health.js";
export { Metrics } from "./metrics.js";
export { MetricsServer } from "./metrics-server.js";
export { combineObservers, type JobObserver } from "./observer.js";
export {
  type MetricsConfig,
  MetricsOptions,
  type TracingConfig,
  TracingOptions,
} from "./options.js";
export { openTracing, type Tracing, tracesUrl } from "./otlp.js";
export { SpanObserver, type TracedJob } from "./spans.js";
