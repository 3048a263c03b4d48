/**
 * Goal: what people write for a broker becomes a configuration or an error that helps.
 * Method: texts in, configurations and codes out.
 */
import { describe, expect, test } from "vitest";
import { createClient } from "../client/index.js";
import { formatBrokerUrl, parseBrokerUrl } from "./broker-url.js";

test("a simple URL names host and port", () => {
  expect(parseBrokerUrl("simple://127.0.0.1:9000")).toEqual({
    clientType: "simple",
    host: "127.0.0.1",
    port: 9000,
  });
});

test("the port may be left out, a slash may follow, and IPv6 stands in brackets", () => {
  expect(parseBrokerUrl("simple://mill")).toMatchObject({ host: "mill", port: 7671 });
  expect(parseBrokerUrl("simple://mill:1/")).toMatchObject({ host: "mill", port: 1 });
  expect(parseBrokerUrl("simple://[::1]:2")).toMatchObject({ host: "::1", port: 2 });
});

test("an address comes back as it was formatted", () => {
  for (const address of [
    { host: "127.0.0.1", port: 1 },
    { host: "::1", port: 65_535 },
  ]) {
    expect(parseBrokerUrl(formatBrokerUrl(address))).toMatchObject(address);
  }
});

describe("refused with RUNTIME_BROKER_URL_INVALID", () => {
  test.each([
    ["", /is no URL/],
    ["127.0.0.1:7671", /is no URL/],
    ["localhost:7671", /does not begin with simple:/],
    ["http://localhost:7671", /does not begin with simple:/],
    ["simple://", /no host|no URL/],
    ["simple://mill:0", /port 0/],
    ["simple://mill:65536", /names port 65536, above 65535/],
    ["simple://mill:7671/queue", /end after the port/],
    ["simple://mill?x=1", /end after the port/],
  ])("%j", (url, reason) => {
    expect(() => parseBrokerUrl(url)).toThrow(
      expect.objectContaining({
        code: "RUNTIME_BROKER_URL_INVALID",
        message: expect.stringMatching(reason),
      }),
    );
  });

  test("a password does not reach the text", () => {
    expect(() => parseBrokerUrl("simple://me:secret@mill")).toThrow(/must not carry/);
    expect(() => parseBrokerUrl("simple://me:secret@mill")).not.toThrow(/secret/);
  });
});

describe("Redis", () => {
  test.each([
    ["redis://cache", { host: "cache", port: 6379, brokerParams: { db: 0, useSsl: false } }],
    ["rediss://cache:6380/2", { host: "cache", port: 6380, brokerParams: { db: 2, useSsl: true } }],
    [
      "redis://me:p%40ss@[::1]:1/",
      {
        host: "::1",
        port: 1,
        brokerParams: { db: 0, useSsl: false, username: "me", password: "p@ss" },
      },
    ],
    [
      "redis+sentinel://a,b:7/main/3",
      {
        brokerParams: {
          sentinels: [
            { host: "a", port: 26379 },
            { host: "b", port: 7 },
          ],
          sentinelName: "main",
          db: 3,
          useSsl: false,
        },
      },
    ],
    [
      "rediss+cluster://a:1,[::1]:2",
      {
        brokerParams: {
          clusterNodes: [
            { host: "a", port: 1 },
            { host: "::1", port: 2 },
          ],
          useSsl: true,
        },
      },
    ],
  ])("%s", async (url, config) => {
    expect(parseBrokerUrl(url)).toEqual({ clientType: "redis", ...config });
    // What the URL stands for is what the client takes.
    await createClient(parseBrokerUrl(url)).close();
  });

  test("what a URL does not say is added", () => {
    expect(parseBrokerUrl("redis://cache/1", { passwordFile: "secret" })).toMatchObject({
      brokerParams: { db: 1, passwordFile: "secret" },
    });
  });

  test.each([
    ["redis://cache/jobs", /number of the database/],
    ["redis://cache/1?x=1", /number of the database/],
    ["redis+sentinel://a:1", /name the primary/],
    ["redis+sentinel://a:1/main/x", /name the primary/],
    ["redis+cluster://a:1/2", /one database/],
    ["redis+cluster://a:0", /port 0/],
    ["redis+cluster://me:secret@a:1", /no host and port/],
  ])("%s is refused", (url, reason) => {
    expect(() => parseBrokerUrl(url)).toThrow(reason);
    expect(() => parseBrokerUrl(url)).not.toThrow(/secret/);
  });
});
