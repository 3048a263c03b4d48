/**
 * Goal: the flags of metrics and traces do what they say, and what is wrong with them is said.
 * Method: real processes, asked over HTTP; a copy of the package in which the optional packages are
 * not installed.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import { createJob, encodeJob } from "../../src/message/index.js";
import { getText } from "../helpers/http.js";
import { startCollector } from "../helpers/otlp-collector.js";
import { parsePrometheusText, seriesKey } from "../helpers/prometheus-text.js";
import { listeningPort, type RunningCli, runCli, startCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

const MEMORY = ["--durability", "memory"];

async function metricsUrl(cli: RunningCli): Promise<string> {
  const [, url] = await cli.line(/^(?:listening|ready) .*, metrics (http:\S+)$/m);
  return url as string;
}

test("a broker tells of its queues, and of no pipeline", async (t) => {
  const queues = '{"scans": {"settle": "on-result"}}';
  const broker = startCli(t, [
    ...["broker", "--port", "0", "--metrics-port", "0", "--queues", queues],
    ...MEMORY,
  ]);
  const url = await metricsUrl(broker);
  const client = new SimpleClient({ host: "127.0.0.1", port: await listeningPort(broker) });
  t.onTestFinished(() => client.close());
  await client.submitMessage("scans", "waits");
  await client.submitMessage("unnamed", "waits");
  const { values, families } = parsePrometheusText((await getText(url)).text);
  expect(values.get("millrace_broker_ready")).toBe(2);
  const ready = [...values.keys()].filter((name) => name.startsWith("millrace_queue_ready"));
  expect(ready).toEqual(
    ["ingest_task_queue", "scans"].map((queue) => seriesKey("millrace_queue_ready", { queue })),
  );
  expect(families.has("millrace_jobs_total")).toBe(false);
  for (const page of ["live", "ready"]) {
    expect((await getText(url.replace("metrics", `health/${page}`))).status).toBe(200);
  }
  broker.child.kill("SIGTERM");
  expect((await broker.ended).code).toBe(0);
});

test("a pipeline and its traces are told, by the standard variables too", async (t) => {
  const collector = await startCollector(t);
  const broker = startCli(t, ["broker", "--port", "0", ...MEMORY]);
  const port = await listeningPort(broker);
  const args = ["pipeline", "--broker", `simple://127.0.0.1:${port}`, "--metrics-port", "0"];
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: "mill",
    MILLRACE_JSON: "1",
  };
  const pipeline = startCli(t, args, { env });
  const [line] = await pipeline.line(/^\{"event":"ready".*$/m);
  const url = JSON.parse(line).metricsUrl as string;
  const client = new SimpleClient({ host: "127.0.0.1", port });
  t.onTestFinished(() => client.close());
  const job = encodeJob(createJob({ documents: [{ name: "a.txt", content: "grain" }] }));
  const { transactionId } = await client.submitMessage("ingest_task_queue", job, {
    forNvIngest: true,
  });
  await client.fetchMessage(transactionId);
  const { values } = parsePrometheusText((await getText(url)).text);
  const stage = "metadata_injector";
  const labels = { stage, outcome: "processed" };
  expect(values.get(seriesKey("millrace_stage_attempts_total", labels))).toBe(1);
  pipeline.child.kill("SIGTERM");
  expect((await pipeline.ended).code).toBe(0);
  expect(collector.spans.map(({ name, service }) => [name, service])).toContainEqual([
    "job",
    "mill",
  ]);
});

test("what is wrong with the flags ends the command with 2 and says what", async (t) => {
  const first = startCli(t, ["broker", "--port", "0", "--metrics-port", "0", ...MEMORY]);
  const { port } = new URL(await metricsUrl(first));
  const wrong: [args: string[], said: RegExp][] = [
    [["--metrics-port", port], /metrics cannot be served at 127\.0\.0\.1:\d+: the port is taken/],
    [["--metrics-port", "0", "--metrics-host", "0.0.0.0"], /--metrics-allow-remote/],
    [["--metrics-port", "70000"], /--metrics-port: /],
    [["--metrics-liveness-ms", "1000"], /--metrics-liveness-ms: must be 35000 or more/],
    [["--otlp-endpoint", "collector:4318"], /--otlp-endpoint: must be a URL that begins with http/],
  ];
  for (const [args, said] of wrong) {
    const { code, stderr, stdout } = await runCli(t, ["serve", "--port", "0", ...MEMORY, ...args]);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(said);
  }
});

test("traces without the packages that send them end the command with how to install them", async (t) => {
  const folder = await temporaryFolder(t);
  const root = new URL("../../", import.meta.url).pathname;
  const modules = join(folder, "node_modules");
  await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  await mkdir(join(modules, "@opentelemetry"), { recursive: true });
  await symlink(join(root, "node_modules/@opentelemetry/api"), join(modules, "@opentelemetry/api"));
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name.startsWith(".") || name === "@opentelemetry") continue;
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  const main = join(folder, "dist/cli/main.js");
  const args = ["serve", "--port", "0", "--otlp-endpoint", "http://127.0.0.1:4318", ...MEMORY];
  const run = promisify(execFile)(process.execPath, [main, ...args]);
  await expect(run).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      "needs the package @opentelemetry/sdk-trace-node, which is not installed. Run: npm install " +
        "@opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http",
    ),
  });
});
