/** Headings of the help for metrics and traces; commands that have the options share them. */

export const METRICS_GROUP = {
  "Metrics and health:": [
    "metrics.port",
    "metrics.host",
    "metrics.allowRemote",
    "metrics.livenessMs",
  ],
};

export const TRACES_GROUP = {
  "Traces:": ["otlpEndpoint", "otlpTracesEndpoint", "otlpServiceName"],
};
