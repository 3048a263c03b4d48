import { defineErrors, quote } from "../core/index.js";

export const TelemetryErrors = defineErrors("TELEMETRY", {
  REMOTE_REFUSED: {
    kind: "input",
    retry: false,
    about:
      "The host for metrics is no loopback address and metrics.allowRemote is not set. Whoever " +
      "reaches the port reads names of queues and stages and how much is worked on.",
    say: ({ host }: { host: string }) =>
      `metrics at host ${quote(host)} can be read from other machines, without a password. Set ` +
      "metrics.allowRemote (--metrics-allow-remote) if the network is yours, or use 127.0.0.1",
  },
  PORT_TAKEN: {
    kind: "input",
    retry: false,
    about: "Something else listens at the port for metrics.",
    say: ({ host, port }: { host: string; port: number }) =>
      `metrics cannot be served at ${host}:${port}: the port is taken. Choose another one ` +
      "(--metrics-port; 0 lets the system pick)",
  },
  LISTEN_FAILED: {
    kind: "input",
    retry: false,
    about: "The system does not let metrics be served at the host and port.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `metrics cannot be served at ${host}:${port}: ${reason}`,
  },
  PEER_MISSING: {
    kind: "input",
    retry: false,
    about:
      "Traces are asked for, but the packages that send them are not installed. They are optional; " +
      "the text has the command.",
    say: ({ peer, command }: { peer: string; command: string }) =>
      `sending traces needs the package ${peer}, which is not installed. Run: ${command}`,
  },
});
