/** Options of metrics and traces. Both are off unless a port or an endpoint is given. */
import { z } from "zod";

export const MetricsOptions = z.strictObject({
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .meta({
      description:
        "Port that serves `/metrics` for Prometheus, `/health/live` and `/health/ready` over HTTP; " +
        "0 lets the system pick a free one.",
      defaultText: "none: no metrics",
    }),
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to serve them at. Other than loopback needs metrics.allowRemote."),
  allowRemote: z
    .boolean()
    .default(false)
    .describe("Serve them where other machines can connect. There is no password."),
  livenessMs: z
    .number()
    .int()
    .min(35_000, "must be 35000 or more: an idle pipeline asks for work every 30 s")
    .max(2_147_483_647)
    .default(60_000)
    .describe("A pipeline that neither took nor asked for work for so long is not live."),
});
export type MetricsOptions = z.input<typeof MetricsOptions>;
export type MetricsConfig = z.output<typeof MetricsOptions>;

const collectorUrl = () =>
  z.url({ protocol: /^https?$/, error: "must be a URL that begins with http:// or https://" });

export const TracingOptions = z.strictObject({
  otlpEndpoint: collectorUrl()
    .optional()
    .meta({
      description:
        "Collector that spans are sent to by OTLP over HTTP, for example http://127.0.0.1:4318; " +
        "`/v1/traces` is added.",
      defaultText: "none: no traces",
    }),
  otlpTracesEndpoint: collectorUrl().optional().meta({
    description: "The same as a complete URL, to which nothing is added. It wins.",
    defaultText: "none",
  }),
  otlpServiceName: z
    .string()
    .min(1)
    .max(255)
    .default("millrace")
    .describe("What this process is called in traces."),
});
export type TracingOptions = z.input<typeof TracingOptions>;
export type TracingConfig = z.output<typeof TracingOptions>;
