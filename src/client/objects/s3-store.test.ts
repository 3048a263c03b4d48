// Goal: requests are as S3 wants them; whatever the service does, a call ends in time with an error
// that says what to do and shows no key.
// Method: a server over a real socket that checks signatures by itself, and is told how to misbehave.
import { execFile } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { cp, mkdir, symlink } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { S3Store } from "./s3-store.js";

const KEYS = { accessKeyId: "AKIATELLTALE", secretAccessKey: "tell/tale+secret=" };
const REGION = "eu-north-1";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const failure = (status: number, code: string): Answer => {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><AWSAccessKeyId>${KEYS.accessKeyId}</AWSAccessKeyId></Error>`;
  return (_, response) =>
    response.writeHead(status, { "content-type": "application/xml" }).end(body);
};
const silence: Answer = () => {};
const reset: Answer = (request) => request.socket.resetAndDestroy();

/** A bucket; requests are answered by `misdeeds` first, one after the other. */
async function startBucket(t: TestContext, misdeeds: Answer[] = []) {
  const objects = new Map<string, Buffer>();
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url as string;
    seen.push(`${request.method} ${path}`);
    const misdeed = misdeeds.shift();
    if (misdeed !== undefined) return misdeed(request, response);
    const body = await buffer(request);
    if (!isSigned(request)) return failure(403, "SignatureDoesNotMatch")(request, response);
    if (request.method === "PUT") {
      if (Number(request.headers["content-length"]) !== body.length) {
        return failure(411, "MissingContentLength")(request, response);
      }
      objects.set(path, body);
      return response.end();
    }
    const found = objects.get(path);
    if (request.method === "DELETE") {
      objects.delete(path);
      return response.writeHead(204).end();
    }
    if (found === undefined) return failure(404, "NoSuchKey")(request, response);
    return response.writeHead(200, { "content-length": found.length }).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.onTestFinished(stop);
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { endpoint, region: REGION, bucket: "big", prefix: "a/b", timeoutMs: 20_000 };
  return { store: new S3Store({ ...options, ...KEYS }), options, objects, seen, stop };
}

/** AWS Signature Version 4, as its documentation describes it. */
function isSigned({ method, url, headers }: IncomingMessage): boolean {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id, day, region, names, signature] = form.exec(headers.authorization ?? "") ?? [];
  if (id !== KEYS.accessKeyId || region !== REGION || names === undefined) return false;
  const payload = headers["x-amz-content-sha256"];
  const signed = names.split(";").map((name) => `${name}:${headers[name]}\n`);
  const request = `${method}\n${url}\n\n${signed.join("")}\n${names}\n${payload}`;
  const hash = createHash("sha256").update(request).digest("hex");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${headers["x-amz-date"]}\n${scope}\n${hash}`;
  let key: string | Buffer = `AWS4${KEYS.secretAccessKey}`;
  for (const part of [...scope.split("/"), text]) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return payload === "UNSIGNED-PAYLOAD" && (key as Buffer).toString("hex") === signature;
}

test("bytes come back by their key until they are deleted", async (t) => {
  const { store, objects, seen } = await startBucket(t);
  const bytes = Buffer.alloc(3_000_000, "a message");
  await store.put("jobs/3f2a", bytes);
  expect([...objects.keys()]).toEqual(["/big/a/b/jobs/3f2a"]);
  expect((await store.get("jobs/3f2a"))?.equals(bytes)).toBe(true);
  await store.delete("jobs/3f2a");
  expect(await store.get("jobs/3f2a")).toBeUndefined();
  const methods = ["PUT", "GET", "DELETE", "GET"];
  expect(seen).toEqual(methods.map((method) => `${method} /big/a/b/jobs/3f2a`));
});

test("an empty object, a bucket without a prefix and an endpoint with a path are in order", async (t) => {
  const { options, seen } = await startBucket(t);
  const endpoint = `${options.endpoint}/minio/`;
  const store = new S3Store({ ...options, ...KEYS, endpoint, prefix: "" });
  await store.put("3f2a", Buffer.alloc(0));
  expect(await store.get("3f2a")).toEqual(Buffer.alloc(0));
  expect(seen).toEqual(["PUT /minio/big/3f2a", "GET /minio/big/3f2a"]);
});

test("a key that is none of ours is not asked for", async (t) => {
  const { store, seen } = await startBucket(t);
  await expect(store.get("../x")).rejects.toMatchObject({ code: "OBJECT_KEY_INVALID" });
  expect(seen).toEqual([]);
});

test("lost connections and answers that mean not now are repeated", async (t) => {
  const misdeeds = [
    failure(500, "InternalError"),
    reset,
    failure(503, "SlowDown"),
    failure(429, "x"),
  ];
  const { store, seen, objects } = await startBucket(t, misdeeds);
  await store.put("3f2a", Buffer.from("x"));
  expect(seen).toHaveLength(5);
  expect(objects.size).toBe(1);
});

test("a body that breaks off is fetched again", async (t) => {
  const half: Answer = (request, response) => {
    response.writeHead(200, { "content-length": 10 });
    response.write("half", () => request.socket.destroy());
  };
  const { store, seen, objects } = await startBucket(t, [half]);
  objects.set("/big/a/b/3f2a", Buffer.from("0123456789"));
  expect(String(await store.get("3f2a"))).toBe("0123456789");
  expect(seen).toHaveLength(2);
});

test("after five attempts the store is unavailable", async (t) => {
  const { store, seen } = await startBucket(t, Array(9).fill(failure(500, "InternalError")));
  await expect(store.get("3f2a")).rejects.toMatchObject({
    code: "OBJECT_STORE_UNAVAILABLE",
    retry: true,
    message: "the object store s3://big/a/b does not answer: it answers 500 InternalError",
  });
  expect(seen).toHaveLength(5);
});

test("where nobody listens, the store is unavailable", async (t) => {
  const { store, stop } = await startBucket(t);
  await stop();
  await expect(store.get("3f2a")).rejects.toMatchObject({
    code: "OBJECT_STORE_UNAVAILABLE",
    details: { reason: "ECONNREFUSED" },
  });
});

const REFUSALS: [number, string][] = [
  [403, "AccessDenied"],
  [404, "NoSuchBucket"],
  [301, "PermanentRedirect"],
  [304, "without a code"],
  [400, "InvalidRequest"],
];
for (const [status, code] of REFUSALS) {
  test(`a refusal is not repeated, and told by its code: ${status} ${code}`, async (t) => {
    const { store, seen } = await startBucket(t, Array(3).fill(failure(status, code)));
    const refused = { code: "OBJECT_STORE_REFUSED", retry: false, details: { status, code } };
    await expect(store.put("3f2a", Buffer.from("x"))).rejects.toMatchObject(refused);
    await expect(store.get("3f2a")).rejects.toMatchObject(refused);
    await expect(store.delete("3f2a")).rejects.toMatchObject(refused);
    expect(seen).toHaveLength(3);
  });
}

test("a redirect is not followed: the message would go where nobody configured it to go", async (t) => {
  const other = await startBucket(t);
  const location = `${other.options.endpoint}/big/a/b/3f2a`;
  const redirect: Answer = (_, response) => response.writeHead(307, { location }).end();
  const { store } = await startBucket(t, [redirect]);
  const refused = { code: "OBJECT_STORE_REFUSED", details: { status: 307 } };
  await expect(store.put("3f2a", Buffer.from("x"))).rejects.toMatchObject(refused);
  expect(other.seen).toEqual([]);
});

test("a service that is silent costs the call's time and no more", async (t) => {
  const { options, seen } = await startBucket(t, [silence]);
  const store = new S3Store({ ...options, ...KEYS, timeoutMs: 100 });
  await expect(store.get("3f2a")).rejects.toMatchObject({
    code: "OBJECT_STORE_UNAVAILABLE",
    details: { reason: "not within 100 ms" },
  });
  expect(seen).toHaveLength(1);
});

test("a service that never ends its body costs the call's time and no more", async (t) => {
  const endless: Answer = (_, response) => void response.writeHead(200).write("x");
  const { options } = await startBucket(t, [endless]);
  const store = new S3Store({ ...options, ...KEYS, timeoutMs: 100 });
  const unavailable = { code: "OBJECT_STORE_UNAVAILABLE" };
  await expect(store.get("3f2a")).rejects.toMatchObject(unavailable);
});

test("a call ends with the reason of its caller's signal, and its request with it", async (t) => {
  const controller = new AbortController();
  let closed: Promise<void> | undefined;
  const hanging: Answer = (request) => {
    closed = new Promise((resolve) => request.socket.once("close", () => resolve()));
    controller.abort("enough");
  };
  const { store } = await startBucket(t, [hanging]);
  await expect(store.get("3f2a", { signal: controller.signal })).rejects.toBe("enough");
  await closed;
});

test("a larger body than was asked for is read no further", async (t) => {
  let closed: Promise<void> | undefined;
  const flood: Answer = (_, response) => {
    closed = new Promise((resolve) => response.once("close", () => resolve()));
    const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536), more));
    more();
  };
  const { store } = await startBucket(t, [flood]);
  const damaged = { code: "OBJECT_DAMAGED", retry: false };
  await expect(store.get("3f2a", { maxBytes: 1_000_000 })).rejects.toMatchObject(damaged);
  await closed;
});

test("an error's endless text is read no further", async (t) => {
  const flood: Answer = (_, response) => {
    response.writeHead(400);
    const more = () => void (response.destroyed || response.write(Buffer.alloc(65_536), more));
    more();
  };
  const { store } = await startBucket(t, [flood]);
  const refused = { code: "OBJECT_STORE_REFUSED", details: { code: "without a code" } };
  await expect(store.get("3f2a")).rejects.toMatchObject(refused);
});

test("what is no HTTP is an unavailable store", async (t) => {
  const garbage: Answer = (request) => request.socket.end("220 mail.example ESMTP\r\n");
  const { store, seen } = await startBucket(t, Array(5).fill(garbage));
  const unavailable = { code: "OBJECT_STORE_UNAVAILABLE" };
  await expect(store.get("3f2a")).rejects.toMatchObject(unavailable);
  expect(seen).toHaveLength(5);
});

test("a wrong secret is refused, and no error shows a key", async (t) => {
  const { options, stop } = await startBucket(t);
  const store = new S3Store({ ...options, ...KEYS, secretAccessKey: "telltale-wrong" });
  const error = await store.put("3f2a", Buffer.from("x")).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ details: { status: 403, code: "SignatureDoesNotMatch" } });
  await stop();
  const lost = await store.get("3f2a").catch((thrown: unknown) => thrown);
  const shown =
    inspect([error, lost], { depth: 9, showHidden: true }) + JSON.stringify([error, lost]);
  expect(shown).not.toMatch(/tell\/?tale/i);
});

test("without the package, the error names the command that installs it", async (t) => {
  const folder = await temporaryFolder(t);
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  for (const room of ["core", "wire", "client"]) {
    await cp(join(root, "dist", room), join(folder, room), { recursive: true });
  }
  await cp(join(root, "package.json"), join(folder, "package.json"));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(root, "node_modules", "zod"), join(folder, "node_modules", "zod"));
  const script = `
    const { openObjectStore } = await import("./client/objects/objects-config.js");
    const store = openObjectStore({ url: "s3://bucket", accessKeyId: "a", secretAccessKey: "b" });
    const error = await store.get("3f2a").catch((thrown) => thrown);
    console.log(JSON.stringify(error));`;
  const run = promisify(execFile);
  const options = { cwd: folder };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], options);
  expect(JSON.parse(stdout)).toMatchObject({
    code: "OBJECT_PEER_MISSING",
    message: expect.stringContaining("npm install s3mini"),
  });
});
