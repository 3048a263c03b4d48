import { defineErrors, quote } from "../core/index.js";

export const BrokerErrors = defineErrors("BROKER", {
  REMOTE_REFUSED: {
    kind: "input",
    retry: false,
    about:
      "The host is no loopback address and allowRemote is not set. The protocol has neither " +
      "encryption nor passwords: whoever reaches the port reads and writes every queue.",
    say: ({ host }: { host: string }) =>
      `host ${quote(host)} can be reached from other machines, where anyone could read and write ` +
      "every queue: the protocol has no password and no encryption. Set allowRemote " +
      "(--allow-remote) if the network is yours, or use 127.0.0.1",
  },
  PORT_TAKEN: {
    kind: "input",
    retry: false,
    about: "Something else listens at the port. The text says what it is, when it says so itself.",
    say: ({ host, port, owner }: { host: string; port: number; owner: string }) =>
      `${host}:${port} is taken by ${owner}. Stop it, or choose another port (0 lets the system pick)`,
  },
  LISTEN_FAILED: {
    kind: "input",
    retry: false,
    about: "The system does not let the broker listen at the host and port.",
    say: ({ host, port, reason }: { host: string; port: number; reason: string }) =>
      `cannot listen at ${host}:${port}: ${reason}`,
  },
});
