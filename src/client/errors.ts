import { defineErrors } from "../core/index.js";

export const ClientErrors = defineErrors("CLIENT", {
  BROKER_UNAVAILABLE: {
    kind: "transport",
    retry: true,
    about: "No broker answers at the host and port, also after maxRetries repetitions.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `no broker answers at ${host}:${port}: ${reason}`,
  },
  NOT_A_BROKER: {
    kind: "transport",
    retry: true,
    about:
      "What listens at the host and port does not speak the protocol: another program is there.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `what answers at ${host}:${port} is no message broker (${reason}); check host and port`,
  },
  CONNECTION_LOST: {
    kind: "transport",
    retry: true,
    about: "The connection ended before the broker had answered.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `the connection to ${host}:${port} is lost: ${reason}`,
  },
  SILENCE: {
    kind: "transport",
    retry: true,
    about: "The broker said nothing for too long; the connection was ended.",
    say: ({ host, port, silenceMs }: { host: string; port: number; silenceMs: number }) =>
      `${host}:${port} did not answer within ${Math.round(silenceMs)} ms`,
  },
  DELIVERY_UNKNOWN: {
    kind: "transport",
    retry: true,
    about:
      "The connection was lost after the acknowledgement was sent: the broker may have stored or " +
      "settled the message, or not. Repeating may make a second copy.",
    say: ({ what }: { what: string }) =>
      `the connection was lost before the broker confirmed: whether the message is ${what} is unknown`,
  },
  REFUSED: {
    kind: "input",
    retry: false,
    about: "The broker refused the request. The text carries its reason.",
    say: ({ command, reason }: { command: string; reason: string }) =>
      `the broker refused ${command}: ${reason}`,
  },
  LEASE_OVER: {
    kind: "state",
    retry: false,
    about:
      "The delivery is not this consumer's any more: it was kept longer than its lease, its " +
      "connection ended, or its job was cancelled. A job that was not cancelled went back.",
    say: ({ reason }: { reason: string }) =>
      `the delivery is this consumer's no more, and its work is not wanted: ${reason}`,
  },
  DELIVERY_SETTLED: {
    kind: "state",
    retry: false,
    about: "A delivery can be acknowledged once, and not after it went back.",
    say: (_: Record<never, never>) => "the delivery was acknowledged or released before",
  },
  FEATURE_MISSING: {
    kind: "input",
    retry: false,
    about:
      "The broker knows no such command: it is the original one, or an older one of ours. Talk to a " +
      "broker of this version.",
    say: ({ feature, host, port }: { feature: string; host: string; port: number }) =>
      `the broker at ${host}:${port} does not have the feature "${feature}", as an older or ` +
      "foreign one has not; run a millrace broker of this version there",
  },
  CONNECTIONS_USED_UP: {
    kind: "limit",
    retry: true,
    about: "All maxConnections of a client were in use for as long as the call might take.",
    say: ({ maxConnections }: { maxConnections: number }) =>
      `all ${maxConnections} connections of this client are in use (maxConnections)`,
  },
  CLOSED: {
    kind: "state",
    retry: false,
    about: "The client was closed before or during the call.",
    say: (_: Record<never, never>) => "the client is closed",
  },
  LOGIN_REFUSED: {
    kind: "input",
    retry: true,
    about:
      "Redis refuses the user, the password or the rights. It is tried again, because a password may " +
      "just be changing; passwordFile is read anew each time.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `Redis at ${host}:${port} refuses the login: ${reason}; check username and passwordFile`,
  },
  FRAGMENTS_INVALID: {
    kind: "transport",
    retry: false,
    about:
      "The fragments of a result do not make one: some are missing, cannot be read or belong to " +
      "another result. They stay where they are.",
    say: ({ reason }: { reason: string }) => `the fragments of a result do not fit: ${reason}`,
  },
});
