// Goal: an object in a shared folder is there whole or not at all, and no key and no link leads out.
// Method: real folders; a real process that is killed while it writes.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, symlink, utimes, writeFile } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { temporaryFolder } from "../../../test/helpers/temporary-folder.js";
import { until } from "../../testing/index.js";
import { FolderStore } from "./folder-store.js";

const KEY = "3f2a-1";
const FILE = "3f/3f2a-1.object";
const BIG_BYTES = 256 * 1024 * 1024;

async function openStore(t: TestContext) {
  const outer = await temporaryFolder(t);
  const dir = join(outer, "shared");
  await mkdir(dir);
  const options = { dir, maxAgeMs: 3_600_000, timeoutMs: 20_000 };
  return { store: new FolderStore(options), options, dir, outer };
}

test("bytes come back by their key until they are deleted, for another store as well", async (t) => {
  const { store, options, dir } = await openStore(t);
  const bytes = Buffer.from("a message");
  await store.put(KEY, bytes);
  expect(await new FolderStore(options).get(KEY)).toEqual(bytes);
  expect(await readdir(join(dir, "3f"))).toEqual(["3f2a-1.object"]);
  await store.put(KEY, Buffer.alloc(0));
  expect(await store.get(KEY)).toEqual(Buffer.alloc(0));
  await store.delete(KEY);
  await store.delete(KEY);
  expect(await store.get(KEY)).toBeUndefined();
  expect(await store.get("none-of-it")).toBeUndefined();
});

test("a key with a prefix has a place of its own", async (t) => {
  const { store, dir } = await openStore(t);
  await store.put("jobs/3f2a", Buffer.from("with"));
  await store.put("3f2a", Buffer.from("without"));
  await store.put("jobs/a", Buffer.from("short"));
  expect(String(await store.get("jobs/3f2a"))).toBe("with");
  expect(String(await store.get("3f2a"))).toBe("without");
  expect((await readdir(join(dir, "3f"))).sort()).toEqual(["3f2a.object", "jobs.3f2a.object"]);
  expect(await readdir(join(dir, "a"))).toEqual(["jobs.a.object"]);
});

test.each([
  ...["", "..", "../3f2a", "/3f2a", "3f2a/", "a/b/c", "a//b", "A", "ä", "a.b", "a b", "a\0", "a\n"],
  ...["..\\3f2a", "x".repeat(65), `${"x".repeat(65)}/a`, "a/../../b", "%2e%2e"],
])("the key %j is refused by every call", async (key) => {
  const store = new FolderStore({ dir: "/nowhere", maxAgeMs: 1, timeoutMs: 1_000 });
  const refused = { code: "OBJECT_KEY_INVALID", retry: false };
  await expect(store.put(key, Buffer.from("x"))).rejects.toMatchObject(refused);
  await expect(store.get(key)).rejects.toMatchObject(refused);
  await expect(store.delete(key)).rejects.toMatchObject(refused);
});

test("a folder that is not there is not made, so that a share that is not mounted is noticed", async (t) => {
  const { options, dir, outer } = await openStore(t);
  const store = new FolderStore({ ...options, dir: join(outer, "missing") });
  const unusable = { code: "OBJECT_STORE_UNUSABLE", retry: false };
  await expect(store.put(KEY, Buffer.from("x"))).rejects.toMatchObject(unusable);
  await expect(store.get(KEY)).rejects.toMatchObject(unusable);
  expect(await readdir(outer)).toEqual(["shared"]);
  await writeFile(join(dir, "file"), "");
  const onFile = new FolderStore({ ...options, dir: join(dir, "file") });
  await expect(onFile.get(KEY)).rejects.toMatchObject(unusable);
});

test.skipIf(platform() === "win32")(
  "a folder that everybody may write to is refused",
  async (t) => {
    const { store, dir } = await openStore(t);
    await chmod(dir, 0o777);
    await expect(store.put(KEY, Buffer.from("x"))).rejects.toMatchObject({
      code: "OBJECT_STORE_UNUSABLE",
      details: { reason: "everybody may write to it" },
    });
  },
);

test.skipIf(platform() === "win32")("others may not read what is stored", async (t) => {
  const { store, dir } = await openStore(t);
  await store.put(KEY, Buffer.from("x"));
  expect(statSync(join(dir, FILE)).mode & 0o007).toBe(0);
  expect(statSync(join(dir, "3f")).mode & 0o007).toBe(0);
});

test("a link in place of a sub-folder is not followed", async (t) => {
  const { store, dir, outer } = await openStore(t);
  const outside = join(outer, "outside");
  await mkdir(outside);
  await writeFile(join(outside, "3f2a-1.object"), "secret");
  await symlink(outside, join(dir, "3f"));
  const unusable = { code: "OBJECT_STORE_UNUSABLE" };
  await expect(store.put(KEY, Buffer.from("x"))).rejects.toMatchObject(unusable);
  await expect(store.get(KEY)).rejects.toMatchObject(unusable);
  await expect(store.delete(KEY)).rejects.toMatchObject(unusable);
  expect(await readdir(outside)).toEqual(["3f2a-1.object"]);
});

test("a link in place of an object is not read; storing and deleting act on the link", async (t) => {
  const { store, dir, outer } = await openStore(t);
  const secret = join(outer, "secret");
  await writeFile(secret, "secret");
  await mkdir(join(dir, "3f"));
  await symlink(secret, join(dir, FILE));
  await expect(store.get(KEY)).rejects.toMatchObject({ code: "OBJECT_DAMAGED" });
  await store.put(KEY, Buffer.from("mine"));
  expect(String(await store.get(KEY))).toBe("mine");
  await store.delete(KEY);
  await symlink(secret, join(dir, FILE));
  await store.delete(KEY);
  expect(await readFile(secret, "utf8")).toBe("secret");
  expect(await store.get(KEY)).toBeUndefined();
});

test.skipIf(platform() === "win32")("a pipe in place of an object is not waited for", async (t) => {
  const { store, dir } = await openStore(t);
  await mkdir(join(dir, "3f"));
  execFileSync("mkfifo", [join(dir, FILE)]);
  await expect(store.get(KEY)).rejects.toMatchObject({ code: "OBJECT_DAMAGED" });
});

test("an object that is larger than was asked for is not read", async (t) => {
  const { store } = await openStore(t);
  await store.put(KEY, Buffer.alloc(11));
  await expect(store.get(KEY, { maxBytes: 10 })).rejects.toMatchObject({ code: "OBJECT_DAMAGED" });
  expect(await store.get(KEY, { maxBytes: 11 })).toHaveLength(11);
});

test("a call that is ended while it writes leaves nothing", async (t) => {
  const { store, dir } = await openStore(t);
  const controller = new AbortController();
  const isWriting = () => filesIn(dir).some((name) => name.endsWith(".tmp"));
  const put = store.put(KEY, Buffer.alloc(BIG_BYTES), { signal: controller.signal });
  const ended = expect(put).rejects.toBe("enough");
  await until("it writes", isWriting);
  controller.abort("enough");
  await ended;
  await until("the temporary file is gone", () => !isWriting());
  expect(await store.get(KEY)).toBeUndefined();
});

test("a process that is killed while it writes leaves no object, and what it leaves is swept", async (t) => {
  const { store, dir } = await openStore(t);
  const path = new URL("../../../dist/client/objects/folder-store.js", import.meta.url);
  const options = JSON.stringify({ dir, maxAgeMs: 3_600_000, timeoutMs: 60_000 });
  // Between two pieces of its write, and no sooner: another process might look too late.
  const script = `
    import { readdirSync } from "node:fs";
    const { FolderStore } = await import(${JSON.stringify(path.href)});
    void new FolderStore(${options}).put("${KEY}", Buffer.alloc(${BIG_BYTES}, 1));
    const look = () => {
      const names = readdirSync(${JSON.stringify(dir)}, { recursive: true });
      if (names.some((name) => name.endsWith(".tmp"))) process.kill(process.pid, "SIGKILL");
      setImmediate(look);
    };
    look();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  t.onTestFinished(() => void child.kill("SIGKILL"));
  const [, killedBy] = await once(child, "exit");
  expect(killedBy).toBe("SIGKILL");
  expect(await store.get(KEY)).toBeUndefined();

  const left = filesIn(dir);
  expect(left).toHaveLength(1);
  await store.put("other", Buffer.from("x"));
  expect(filesIn(dir)).toHaveLength(2);

  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(dir, "3f", left[0] as string), hoursAgo, hoursAgo);
  // Another machine's store: the first one rests after its pass.
  await new FolderStore({ dir, maxAgeMs: 3_600_000, timeoutMs: 20_000 }).put(
    "third",
    Buffer.from("x"),
  );
  expect(filesIn(dir).sort()).toEqual(["other.object", "third.object"]);
});

test("stores that write the same key at the same time leave one of them, whole", async (t) => {
  const { store, options, dir } = await openStore(t);
  const second = new FolderStore(options);
  const each = Array.from({ length: 8 }, (_, index) => Buffer.alloc(1_000_000, index));
  await Promise.all(each.map((bytes, index) => (index % 2 ? store : second).put(KEY, bytes)));
  const found = await store.get(KEY);
  expect(each.some((bytes) => found?.equals(bytes))).toBe(true);
  expect(filesIn(dir)).toEqual(["3f2a-1.object"]);
});

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(join(dir, entry.name)) : [entry.name],
  );
}
