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

test("a redis URL is understood, and its client says that it is not available", () => {
  const config = parseBrokerUrl("rediss://cache:6380/2");
  expect(config).toEqual({
    clientType: "redis",
    host: "cache",
    port: 6380,
    brokerParams: { db: 2, useSsl: true },
  });
  expect(() => createClient(config)).toThrow(
    expect.objectContaining({ code: "CLIENT_TYPE_UNAVAILABLE" }),
  );
});
