// Goal: every command and sample in README.md, docs/ and CONTRIBUTING.md works as it stands there.
// Method: code blocks are cut out of the pages. TypeScript runs as a process; a comment behind a
// console.log is the output that is expected. Commands of ours run in an empty folder with the
// samples in it, and those that serve until they are stopped get a signal once they are ready.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { describeRedis } from "../helpers/describe-redis.js";
import { startRedis } from "../helpers/redis-server.js";
import { startSimpleMessageBroker } from "../../src/runtime/index.js";
import { textJob } from "../helpers/pipeline-bench.js";

const root = join(import.meta.dirname, "../..");
const main = join(root, "dist/cli/main.js");
/** Below the package, so that a sample can import it by its name. */
const scratch = join(root, "out", "docs-samples");
const SERVING = ["broker", "serve", "pipeline"];
/** They ask the broker of this machine unless told otherwise. */
const ASKING = ["cancel", "dead"];

/** What a reader's own project would have. */
const STRICT = {
  strict: true,
  noEmit: true,
  module: "nodenext",
  target: "es2022",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
};

interface Sample {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

async function samples(): Promise<Sample[]> {
  const docs = (await readdir(join(root, "docs"))).map((name) => `docs/${name}`);
  const pages = ["README.md", "CONTRIBUTING.md", "examples/python-client.md", ...docs];
  const found = pages.map(async (page) => {
    const text = await readFile(join(root, page), "utf8");
    return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
      page,
      language: match[1] as string,
      text: match[2] as string,
    }));
  });
  return (await Promise.all(found)).flat();
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a process; `onLine` may end it with a signal. */
function run(args: string[], cwd: string, onLine?: (line: string) => NodeJS.Signals | undefined) {
  return new Promise<Ended>((resolve, reject) => {
    const env = { ...process.env, MILLRACE_PORT: "0", NO_COLOR: "1" };
    const child = spawn(process.execPath, args, { cwd, env });
    let output = "";
    const take = (line: string) => {
      output += `${line}\n`;
      const signal = onLine?.(line);
      if (signal !== undefined) child.kill(signal);
    };
    createInterface({ input: child.stdout }).on("line", take);
    createInterface({ input: child.stderr }).on("line", take);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** A job that waits, and one that was given up because its only consumer left it. */
async function submitJobs(port: number): Promise<{ openJob: string; deadJob: string }> {
  await using client = new SimpleClient({ host: "127.0.0.1", port });
  const submit = async (queueName: string) =>
    (await client.submitMessage(queueName, textJob("grain"), { forNvIngest: true })).transactionId;
  const [openJob, deadJob] = [await submit("others"), await submit("lost")];
  const consumer = new SimpleClient({ host: "127.0.0.1", port });
  await consumer.fetchDelivery("lost");
  await consumer.close();
  // It is given up when its failed result is there.
  await client.fetchMessage(deadJob);
  return { openJob, deadJob };
}

const all = await samples();
const ofLanguage = (language: string) => all.filter((sample) => sample.language === language);
const commands = ofLanguage("sh").flatMap(({ page, text }) =>
  text
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "")
    .map((line) => ({ page, line })),
);

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("TypeScript samples", () => {
  const blocks = ofLanguage("ts").map((sample, index) => ({ ...sample, index }));

  test("there are some", () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
  });

  test("a strict compiler takes all of them, with the types of the package", async () => {
    const folder = join(scratch, "typed");
    await mkdir(folder, { recursive: true });
    for (const { text, index } of blocks) await writeFile(join(folder, `sample-${index}.ts`), text);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: STRICT }));
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    expect(await run([compiler, "-p", folder, "--pretty", "false"], root)).toEqual({
      code: 0,
      output: "",
    });
  });

  test.each(blocks)("sample $index, in $page, runs", async ({ text, index }) => {
    await mkdir(scratch, { recursive: true });
    const file = join(scratch, `sample-${index}.ts`);
    await writeFile(file, text);
    const { code, output } = await run(["--import", "tsx", file], root);
    expect(output).not.toMatch(/error/i);
    expect(code).toBe(0);
    for (const [, expected] of text.matchAll(/console\.log\(.*\/\/ (.+)$/gm)) {
      expect(output).toContain(expected);
    }
  });
});

test("links to files of this repository lead to one", async () => {
  const names = (await readdir(join(root, "docs"))).map((name) => `docs/${name}`);
  const pages = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "bench/README.md", ...names];
  const dead: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, page), "utf8");
    for (const [, target] of text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)) {
      if (!existsSync(join(root, page, "..", target as string))) dead.push(`${page}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
});

describe("commands", () => {
  const ours = commands.filter(({ line }) => line.startsWith("npx millrace "));

  test("of this project are all known to this test", () => {
    const known =
      /^(npx millrace |npm (ci|test|install|run)|bash (interop|\.ci)\/run|\.venv\/|python3 )/;
    const unknown = commands.filter(({ line }) => !known.test(line));
    expect(unknown).toEqual([]);
    expect(ours.length).toBeGreaterThanOrEqual(4);
  });

  test("of npm name scripts that exist", async () => {
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const named = commands.flatMap(({ line }) => [...line.matchAll(/npm run ([\w:]+)/g)]);
    expect(named.length).toBeGreaterThan(0);
    for (const [, name] of named) expect(scripts).toHaveProperty([name as string]);
  });

  test("that are files exist", () => {
    const files = commands.flatMap(({ line }) => [...line.matchAll(/^bash (\S+)/g)]);
    expect(files.length).toBeGreaterThan(0);
    for (const [, file] of files) expect(existsSync(join(root, file as string))).toBe(true);
  });

  const onRedis = (line: string) => line.includes("redis://");
  test.each(ours.filter(({ line }) => !onRedis(line)))(
    "`$line`, in $page, does what it is there for",
    ({ line }) => doesIt(line),
  );

  describeRedis("with Redis", () => {
    test.each(ours.filter(({ line }) => onRedis(line)))(
      "`$line`, in $page, does what it is there for",
      async ({ line }) => {
        await using redis = await startRedis();
        await doesIt(line.replace("redis://127.0.0.1:6379", redis.url));
      },
    );
  });

  async function doesIt(line: string): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-docs-"));
    const broker = await startSimpleMessageBroker({ port: 0, maxDeliveries: 1 });
    try {
      await cp(join(root, "samples"), join(folder, "documents"), { recursive: true });
      const url = `simple://127.0.0.1:${broker.port}`;
      const { openJob, deadJob } = await submitJobs(broker.port);
      const jobId = line.includes("cancel") ? openJob : deadJob;
      const written = line.replace("simple://127.0.0.1:7671", url).replace("JOB", jobId);
      const args = written
        .split(/\s+/)
        .slice(2)
        .map((word) => word.replace(/^'(.*)'$/, "$1"));
      if (ASKING.includes(args[0] as string) && !onRedis(line)) args.push("--broker", url);
      const serves = SERVING.includes(args[0] as string);
      const onReady = (text: string) => (/^ready|^listening/.test(text) ? "SIGTERM" : undefined);
      const { code, output } = await run([main, ...args], folder, serves ? onReady : undefined);
      expect(output).not.toMatch(/error/i);
      expect(code).toBe(0);
    } finally {
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
});
