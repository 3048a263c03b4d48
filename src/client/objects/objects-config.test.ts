import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { parseOptions } from "../../core/index.js";
import { ObjectsConfig, openObjectStore } from "./objects-config.js";

const KEYS = { accessKeyId: "AKIA-TELLTALE", secretAccessKey: "tell/tale+secret=" };

test("a file: URL opens a folder", async (t) => {
  const dir = await temporaryFolder(t);
  const store = openObjectStore({ url: pathToFileURL(dir).href });
  await store.put("key", Buffer.from("x"));
  expect(String(await store.get("key"))).toBe("x");
});

test("what is not given has its default", () => {
  expect(parseOptions(ObjectsConfig, { url: "file:///shared" }, "objects")).toEqual({
    url: "file:///shared",
    region: "us-east-1",
    minBytes: 1_048_576,
    maxAgeMs: 172_800_000,
    timeoutMs: 120_000,
  });
});

test.each([
  ...["", "shared", "/shared", "file://", "file:shared", "file://host/shared", "file:///a%2fb"],
  ...["file:///a?b", "file:///a#b", "http://host/bucket", "s3://", "s3://b", "s3:///bucket"],
  ...[
    "s3://Bucket",
    "s3://bucket:9000/x",
    "s3://bucket/../x",
    "s3://bucket/a//b",
    "s3://bucket?x=1",
  ],
  ...[
    "s3://key:telltale@bucket/x",
    "https://key:telltale@host/bucket",
    `file:///${"x".repeat(2_000)}`,
  ],
])("the url %j is refused, and not shown", (url) => {
  const open = () => openObjectStore({ url, ...KEYS });
  expect(open).toThrow(expect.objectContaining({ code: "OPTIONS_INVALID" }));
  expect(open).not.toThrow(/telltale/);
});

test.each(["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/b_c.d", "s3://bucket/a/"])(
  "the url %j is taken",
  (url) => {
    expect(() => openObjectStore({ url, ...KEYS })).not.toThrow();
  },
);

test.each(["host", "ftp://host", "https://key:telltale@host", "https://host/?a=1"])(
  "the endpoint %j is refused, and not shown",
  (endpoint) => {
    const open = () => openObjectStore({ url: "s3://bucket", endpoint, ...KEYS });
    expect(open).toThrow(/endpoint/);
    expect(open).not.toThrow(/telltale/);
  },
);

test("a bucket needs both keys", () => {
  const url = "s3://bucket/x";
  const missing = expect.objectContaining({ code: "OBJECT_ACCESS_KEYS_MISSING" });
  expect(() => openObjectStore({ url })).toThrow(missing);
  expect(() => openObjectStore({ url, ...KEYS })).not.toThrow();
  expect(() => openObjectStore({ url, accessKeyId: "a" })).toThrow(/"secretAccessKey"/);
  expect(() => openObjectStore({ url, secretAccessKey: "a" })).toThrow(/"accessKeyId"/);
});

test.each([
  { ...KEYS, secretAccessKey: "telltale with a space" },
  { ...KEYS, secretAccessKey: "telltale\r\nHost: other" },
  { ...KEYS, secretAccessKey: ["telltale"] },
  { accessKeyId: "telltale ", secretAccessKey: "x" },
  { secretAccessKey: "telltale" },
  { ...KEYS, secretAccesKey: "telltale" },
])("no error shows a key: %#", (keys) => {
  const error = thrownBy(() => openObjectStore({ url: "s3://bucket", ...keys } as ObjectsConfig));
  expect(error).toMatchObject({ code: "OPTIONS_INVALID" });
  expect(inspect(error, { depth: 9 })).not.toMatch(/telltale/i);
});

test("a store does not show its keys", () => {
  const store = openObjectStore({ url: "s3://bucket", ...KEYS });
  expect(`${inspect(store, { depth: 9, showHidden: true })}${JSON.stringify(store)}`).not.toMatch(
    /tell/i,
  );
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
