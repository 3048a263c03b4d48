/** A redis-server of one's own: on a free port, in a folder of its own, ended with its test. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { freePort } from "./free-port.js";
import { type RedisProcess, startRedisProcess } from "./redis-process.js";
import type { Cleanup } from "./start-broker.js";

const HOST = "127.0.0.1";
const CONF = "redis.conf";
/** Redis itself answers at once; this is for one that is stopped in the middle. */
const COMMAND_MS = 20_000;
const PORT_TRIES = 10;

/** What of a server is needed to reach it. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisOptions {
  /** The end of this test is the end of the server; else who started it disposes of it. */
  readonly test?: Cleanup;
  /** Writes a log of commands, which a start reads back. Without it, all is gone with the process. */
  readonly appendonly?: boolean;
  /** How often that log is flushed; "everysec" unless given, which SIGKILL does not mind. */
  readonly appendfsync?: "always" | "everysec" | "no";
  readonly password?: string;
  /** As Redis reads it: "2mb". With the policy "noeviction": what is too much is refused. */
  readonly maxmemory?: string;
  /** Only TLS, with a certificate for localhost and 127.0.0.1 of a CA that nobody else knows. */
  readonly tls?: boolean;
  /** Starts as a replica and is ready when it has all that the primary has. Not of one with TLS. */
  readonly replicaOf?: RedisServer;
  /** Further lines of redis.conf. */
  readonly config?: readonly string[];
}

export interface RedisServer extends RedisAddress {
  /** `redis://…`, or `rediss://…` with TLS; the password is in it. */
  readonly url: string;
  readonly password: string | undefined;
  /** The CA of its certificate: a file in PEM, and what is in it. Undefined without TLS. */
  readonly ca: { readonly file: string; readonly pem: string } | undefined;
  /** That of the process that runs, or ran last. */
  readonly pid: number;
  /** Waits for a line in the log of the process that runs, or the nth such line. */
  line(pattern: RegExp, nth?: number): Promise<RegExpExecArray>;
  /** Ends it in good order: a log of commands is flushed. Its folder and its port stay its own. */
  stop(): Promise<void>;
  /** Sends a signal and, unless it is SIGSTOP or SIGCONT, waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it if it runs, and starts it on the same port and folder. */
  restart(): Promise<void>;
  /** On a connection of its own; lists, texts and numbers as in RESP2. */
  command(...args: readonly (string | number | Buffer)[]): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { replicaOf } = options;
  const ready = replicaOf ? /sync: Finished with success/ : /Ready to accept connections/;
  return startInFolder({ ...options, ready, lines: serverLines(options) });
}

/** What kinds of servers differ in. */
export interface ServerKind extends Pick<RedisOptions, "test" | "password" | "tls"> {
  readonly ready: RegExp;
  /** Of redis.conf, without where it listens. */
  readonly lines: readonly string[];
  readonly args?: readonly string[];
}

export async function startInFolder(kind: ServerKind): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-redis-"));
  const server = new OwnServer(kind, folder);
  kind.test?.onTestFinished(() => server[Symbol.asyncDispose]());
  try {
    await server.startOnFreePort();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

class OwnServer implements RedisServer {
  readonly host = HOST;
  readonly password: string | undefined;
  readonly ca: RedisServer["ca"];
  port = 0;
  readonly #kind: ServerKind;
  readonly #folder: string;
  #process: RedisProcess | undefined;

  constructor(kind: ServerKind, folder: string) {
    this.password = kind.password;
    this.#kind = kind;
    this.#folder = folder;
    this.ca = kind.tls === true ? makeCertificates(folder) : undefined;
  }

  get url(): string {
    const login = this.password === undefined ? "" : `:${encodeURIComponent(this.password)}@`;
    return `${this.ca === undefined ? "redis" : "rediss"}://${login}${HOST}:${this.port}`;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get #running(): RedisProcess {
    if (this.#process === undefined) throw new Error("this redis-server never ran");
    return this.#process;
  }

  /** Redis cannot choose a port itself, so another program may be faster. */
  async startOnFreePort(): Promise<void> {
    for (let triesLeft = PORT_TRIES; ; triesLeft--) {
      this.port = await freePort(HOST);
      // A file and not arguments: failovers and clusters write down there what became of a server.
      await writeFile(join(this.#folder, CONF), this.#conf());
      try {
        return await this.#start();
      } catch (error) {
        if (triesLeft === 1 || !/Address already in use/.test(String(error))) throw error;
      }
    }
  }

  line(pattern: RegExp, nth = 1): Promise<RegExpExecArray> {
    return this.#running.line(pattern, nth);
  }

  stop(): Promise<void> {
    return this.kill("SIGTERM");
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { pid, ended, hasEnded } = this.#running;
    if (hasEnded()) return;
    process.kill(pid, signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await ended;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#start();
  }

  async command(...args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const timeouts = { connectTimeout: COMMAND_MS, socketTimeout: COMMAND_MS };
    const socket =
      this.ca === undefined
        ? { ...timeouts, reconnectStrategy: false as const }
        : { ...timeouts, reconnectStrategy: false as const, tls: true as const, ca: this.ca.pem };
    const client = createClient({ url: this.url, RESP: 2, disableClientInfo: true, socket });
    // What goes wrong is told by the call itself.
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand(
        args.map((each) => (typeof each === "number" ? String(each) : each)),
      );
    } finally {
      client.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const args = [join(this.#folder, CONF), ...(this.#kind.args ?? [])];
    this.#process = await startRedisProcess(args, this.#folder, this.#kind.ready);
  }

  #conf(): string {
    const { lines, tls = false } = this.#kind;
    const file = (name: string) => join(this.#folder, name);
    const where = tls
      ? [
          "port 0",
          `tls-port ${this.port}`,
          `tls-cert-file ${file("server.pem")}`,
          `tls-key-file ${file("server.key")}`,
          `tls-ca-cert-file ${file("ca.pem")}`,
          "tls-auth-clients no",
        ]
      : [`port ${this.port}`];
    return `${[`bind ${HOST}`, `dir ${this.#folder}`, ...where, ...lines].join("\n")}\n`;
  }
}

export function serverLines(options: RedisOptions): string[] {
  const { appendonly = false, appendfsync = "everysec", password, maxmemory, replicaOf } = options;
  // One that was a primary becomes a replica after a failover, so each knows the password of others.
  const secret = replicaOf?.password ?? password;
  return [
    'save ""',
    `appendonly ${appendonly ? "yes" : "no"}`,
    `appendfsync ${appendfsync}`,
    // A replica would otherwise wait 5 s for others that might come.
    "repl-diskless-sync-delay 0",
    ...(password === undefined ? [] : [`requirepass "${password}"`]),
    ...(secret === undefined ? [] : [`masterauth "${secret}"`]),
    ...(maxmemory === undefined ? [] : [`maxmemory ${maxmemory}`, "maxmemory-policy noeviction"]),
    ...(replicaOf === undefined ? [] : [`replicaof ${replicaOf.host} ${replicaOf.port}`]),
    ...(options.config ?? []),
  ];
}

/** A CA and what it signed for a server here, made with openssl. */
function makeCertificates(folder: string): { readonly file: string; readonly pem: string } {
  const make = (name: string, subject: string, ...more: readonly string[]) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    const args = ["req", "-x509", ...key, ...files, "-days", "2", "-subj", `/CN=${subject}`];
    execFileSync("openssl", [...args, ...more], { cwd: folder, stdio: "pipe" });
  };
  make("ca", "Millrace test CA");
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key"];
  const extensions = ["-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"];
  make("server", "localhost", ...signed, ...extensions);
  const file = join(folder, "ca.pem");
  return { file, pem: readFileSync(file, "utf8") };
}
