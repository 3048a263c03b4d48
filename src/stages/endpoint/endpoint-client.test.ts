/**
 * Goal: a model's server gets what was configured, once more only where that helps, and nothing of what
 * it answers or does can hang or fill a stage, or show the key. Method: a server of the test that
 * answers as good and bad servers do.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { freePort } from "../../../test/helpers/free-port.js";
import { answerJson, modelServer } from "../../../test/helpers/model-server.js";
import { parseOptions } from "../../core/index.js";
import { stageContext, until } from "../../testing/index.js";
import { EndpointClient } from "./endpoint-client.js";
import { type EndpointConfig, endpointOptions } from "./endpoint-options.js";

const Options = z.strictObject(endpointOptions("embed", "m"));
const KEY = 'canary-"key\\';

function clientOf(url: string, options: z.input<typeof Options> = {}): EndpointClient {
  return new EndpointClient(parseOptions(Options, { url, ...options }, "test") as EndpointConfig);
}

const ask = (client: EndpointClient, context = stageContext()) =>
  client.post("/embeddings", { input: ["ä"] }, context);

test("a request is a POST of JSON with the key as bearer, and its answer comes back parsed", async () => {
  const server = await modelServer((_, response) => answerJson(response, { data: [1] }));
  expect(await ask(clientOf(server.url, { apiKey: KEY }))).toEqual({ data: [1] });
  const [{ method, path, headers, body }] = server.requests as [(typeof server.requests)[0]];
  expect([method, path, body.toString()]).toEqual(["POST", "/v1/embeddings", '{"input":["ä"]}']);
  expect(headers).toMatchObject({
    authorization: `Bearer ${KEY}`,
    "content-type": "application/json",
    accept: "application/json",
  });
});

test("without a key there is no header for one", async () => {
  const server = await modelServer((_, response) => answerJson(response, {}));
  await ask(clientOf(server.url));
  expect(server.requests[0]?.headers).not.toHaveProperty("authorization");
});

test.each(["", "/", "/embeddings", "/embeddings/"])(
  "the call's path is added to a URL that ends with %j once",
  async (end) => {
    const server = await modelServer((_, response) => answerJson(response, {}));
    await ask(clientOf(`${server.url}${end}`));
    expect(server.requests[0]?.path?.replace(/\/$/, "")).toBe("/v1/embeddings");
  },
);

test.each([408, 425, 429, 500, 502, 503, 529])("%d is asked again", async (status) => {
  const server = await modelServer((_, response) => {
    if (server.requests.length === 1)
      response.writeHead(status, { "Retry-After": "0" }).end("busy");
    else answerJson(response, { ok: true });
  });
  expect(await ask(clientOf(server.url))).toEqual({ ok: true });
  expect(server.requests).toHaveLength(2);
  expect(server.requests[1]?.body).toEqual(server.requests[0]?.body);
});

test.each([400, 401, 403, 404, 422])(
  "%d is not asked again, and its words are told",
  async (status) => {
    const server = await modelServer((_, response) =>
      answerJson(response, { error: { message: "no such\nmodel" } }, status),
    );
    await expect(ask(clientOf(server.url))).rejects.toMatchObject({
      code: "STAGES_ENDPOINT_REFUSED",
      details: { status, said: "no such model" },
    });
    expect(server.requests).toHaveLength(1);
  },
);

test.each([
  [{ detail: "d" }, "d"],
  [{ detail: [{ msg: "m", loc: [] }] }, "m"],
  [{ error: "e" }, "e"],
  [{ message: "x".repeat(500) }, `${"x".repeat(300)}…`],
  [{ other: "o" }, ""],
])("a refusal's words are found (case %#)", async (json, said) => {
  const server = await modelServer((_, response) => answerJson(response, json, 400));
  await expect(ask(clientOf(server.url))).rejects.toMatchObject({ details: { said } });
});

test("attempts end; the last failure is told with what the server asks for", async () => {
  const server = await modelServer((_, response) =>
    response.writeHead(429, { "Retry-After": "0" }).end("slow down"),
  );
  await expect(ask(clientOf(server.url, { maxAttempts: 2 }))).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_UNAVAILABLE",
    retry: true,
    message: expect.stringContaining("429: slow down"),
    details: { retryAfterMs: 0 },
  });
  expect(server.requests).toHaveLength(2);
});

test("a Retry-After of a minute at most is kept to, a longer one is left to the caller", async () => {
  let seconds = 60;
  const server = await modelServer((_, response) =>
    response.writeHead(503, { "Retry-After": seconds }).end(),
  );
  const pauses: object[] = [];
  const controller = new AbortController();
  const { logger, ...others } = stageContext({ signal: controller.signal });
  const context = { ...others, logger: { ...logger, debug: (told: object) => pauses.push(told) } };
  const call = ask(clientOf(server.url), context);
  await until("it pauses", () => pauses.length > 0);
  expect(pauses).toEqual([expect.objectContaining({ pauseMs: 60_000, attempt: 1 })]);
  controller.abort(new Error("enough"));
  await expect(call).rejects.toThrow("enough");
  seconds = 61;
  await expect(ask(clientOf(server.url))).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_UNAVAILABLE",
    details: { retryAfterMs: 61_000 },
  });
  expect(server.requests).toHaveLength(2);
});

test("where nobody listens is told by the system's code", async () => {
  const client = clientOf(`http://127.0.0.1:${await freePort("127.0.0.1")}/v1`, { maxAttempts: 2 });
  await expect(ask(client)).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_UNAVAILABLE",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

const HANGING: [string, (response: ServerResponse) => void][] = [
  ["before the head", () => {}],
  ["within the body", (response) => response.writeHead(200).write('{"data":')],
  ["within a refusal", (response) => response.writeHead(400).write("no, be")],
];
test.each(HANGING)("a server that hangs %s is given up", async (_, answer) => {
  const server = await modelServer((_, response) => answer(response));
  const client = clientOf(server.url, { timeoutMs: 100, maxAttempts: 1 });
  await expect(ask(client)).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_UNAVAILABLE",
    message: expect.stringContaining("no answer within 100 ms"),
  });
});

test("a connection cut within the answer is worth another attempt", async () => {
  const server = await modelServer((_, response) => {
    if (server.requests.length > 1) return answerJson(response, { ok: 1 });
    response.writeHead(200, { "Content-Length": 100 });
    response.write("{", () => response.destroy());
  });
  expect(await ask(clientOf(server.url))).toEqual({ ok: 1 });
});

const UNUSABLE: [string, (response: ServerResponse) => void, string][] = [
  ["text", (response) => response.end("<html>"), "6 bytes are no JSON"],
  ["nothing", (response) => response.end(), "0 bytes are no JSON"],
  ["bytes that are no UTF-8", (response) => response.end(Buffer.from([34, 255, 34])), "no JSON"],
  ["too much", (response) => response.end(`"${"x".repeat(1_024)}"`), "maxResponseBytes"],
  [
    "too much, packed",
    (response) =>
      response
        .writeHead(200, { "Content-Encoding": "gzip" })
        .end(gzipSync(`"${"x".repeat(10_000_000)}"`)),
    "maxResponseBytes",
  ],
];
test.each(UNUSABLE)("%s is an answer that cannot be used", async (_, answer, reason) => {
  const server = await modelServer((_, response) => answer(response));
  const client = clientOf(server.url, { maxResponseBytes: 1_024 });
  await expect(ask(client)).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_ANSWER_INVALID",
    message: expect.stringContaining(reason),
  });
  expect(server.requests).toHaveLength(1);
});

test("an answer without an end is left as soon as it is too long", async () => {
  const server = await modelServer((_, response) => {
    const more = () => {
      while (response.write("x".repeat(10_000)));
    };
    response.on("drain", more);
    more();
  });
  const client = clientOf(server.url, { maxResponseBytes: 1_024 });
  await expect(ask(client)).rejects.toMatchObject({ code: "STAGES_ENDPOINT_ANSWER_INVALID" });
  await until("its call is over", () => server.inWork.now === 0);
});

test.each([301, 307, 308])("a redirection (%d) is not followed", async (status) => {
  const thief = await modelServer((_, response) => answerJson(response, {}));
  const server = await modelServer((_, response) =>
    response.writeHead(status, { Location: `${thief.url}/embeddings` }).end(),
  );
  await expect(ask(clientOf(server.url, { apiKey: KEY }))).rejects.toMatchObject({
    code: "STAGES_ENDPOINT_ANSWER_INVALID",
    message: expect.stringContaining(`redirects (${status})`),
  });
  expect(thief.requests).toEqual([]);
});

test("no more calls than allowed are in work; the others follow in their order", async () => {
  const held: (() => void)[] = [];
  const server = await modelServer((request, response) => {
    held.push(() => answerJson(response, request.json));
  });
  const client = clientOf(server.url, { concurrency: 2 });
  const calls = [0, 1, 2, 3, 4].map((n) => client.post("/x", { n }, stageContext()));
  for (let given = 0; given < 5; given++) {
    await until("a call is held", () => held.length > given);
    held[given]?.();
  }
  expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
  expect(server.inWork.most).toBe(2);
});

test("a call that is given up ends at once, in work and while it waits for its turn", async () => {
  const server = await modelServer(() => {});
  const client = clientOf(server.url, { concurrency: 1 });
  const controllers = [new AbortController(), new AbortController()];
  const calls = controllers.map(({ signal }) => ask(client, stageContext({ signal })));
  await until("a call is there", () => server.requests.length === 1);
  for (const [index, controller] of controllers.toReversed().entries()) {
    controller.abort(new Error(`enough ${index}`));
  }
  await expect(calls[1]).rejects.toThrow("enough 0");
  await expect(calls[0]).rejects.toThrow("enough 1");
  await until("its call is over", () => server.inWork.now === 0);
  expect(server.requests).toHaveLength(1);
});

test("an endpoint that fails again and again is spared", async () => {
  const server = await modelServer((_, response) => response.writeHead(500).end());
  const context = stageContext();
  const client = clientOf(server.url, { maxAttempts: 1 });
  for (let n = 0; n < 5; n++) await expect(ask(client, context)).rejects.toThrow("500");
  await expect(ask(client, context)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
  expect(server.requests).toHaveLength(5);
});

test("the key is in no error and in no log, also when the server repeats it", async () => {
  const told: unknown[] = [];
  const log = (...args: unknown[]) => told.push(args);
  const logger = { debug: log, info: log, warn: log, error: log };
  const bodies = [
    JSON.stringify({ error: { message: `bad key ${KEY}` } }),
    `<p>Authorization: Bearer ${KEY}</p>`,
    `{"key": ${JSON.stringify(KEY)} `,
    // What is cut may end within the key.
    `${"x".repeat(8_190 - KEY.length)}${KEY}${"y".repeat(100)}`,
    ...[...KEY].map((_, at) => `${" ".repeat(4_096 - at)}${KEY}${"y".repeat(8_000)}`),
  ];
  for (const body of bodies) {
    for (const status of [401, 500]) {
      const server = await modelServer((_, response) =>
        response.writeHead(status, { "Retry-After": "0" }).end(body),
      );
      const client = clientOf(server.url, { apiKey: KEY, maxAttempts: 2 });
      const error = await ask(client, stageContext({ logger })).catch((thrown: Error) => thrown);
      expect(error).toBeInstanceOf(Error);
      told.push(error, (error as Error).message, (error as Error).stack, client);
    }
  }
  const shown = `${JSON.stringify(told)} ${told.map(String).join()}`;
  expect(shown).toContain("500");
  expect(shown).not.toContain("canary");
});

test("a key comes from a file of its owner, once, and wins", async () => {
  const dir = mkdtempSync(join(tmpdir(), "millrace-key-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const apiKeyFile = join(dir, "key");
  const server = await modelServer((_, response) => answerJson(response, {}));
  const unreadable = (reason: RegExp) =>
    expect(() => clientOf(server.url, { apiKeyFile })).toThrow(
      expect.objectContaining({
        code: "STAGES_API_KEY_UNREADABLE",
        message: expect.stringMatching(reason),
      }),
    );
  unreadable(/ENOENT/);
  writeFileSync(apiKeyFile, "two words\n", { mode: 0o600 });
  unreadable(/one word/);
  writeFileSync(apiKeyFile, "from-file\n");
  chmodSync(apiKeyFile, 0o640);
  unreadable(/chmod 600/);
  chmodSync(apiKeyFile, 0o600);
  await ask(clientOf(server.url, { apiKeyFile, apiKey: "other" }));
  expect(server.requests[0]?.headers.authorization).toBe("Bearer from-file");
});

test.each([
  [{ url: "ftp://h/v1" }, /embed.*must be like/],
  [{ url: "http://user:canary@h/v1" }, /must be like/],
  [{ url: "http://h/v1?key=canary" }, /must be like/],
  [{ apiKey: "canary two" }, /printable ASCII/],
  [{ apiKey: "canary\r\nX: y" }, /printable ASCII/],
])("options are refused without showing what may be a key (case %#)", (embed, text) => {
  const schema = z.strictObject({ embed: Options });
  const check = () => parseOptions(schema, { embed }, "test");
  expect(check).toThrow(expect.objectContaining({ message: expect.stringMatching(text) }));
  expect(check).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("canary") }),
  );
});
