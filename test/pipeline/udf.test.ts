/**
 * Goal: what a job's `udf` task says is never run; what the operator registered is, where the task
 * asks for it.
 * Method: jobs over TCP to a server, and to the command line's.
 */
import { expect, test } from "vitest";
import { SimpleClient } from "../../src/client/index.js";
import {
  createJob,
  encodeJob,
  extractTask,
  failureCause,
  parseResult,
  type TaskDocument,
} from "../../src/message/index.js";
import type { ProcessingFunction } from "../../src/pipeline/index.js";
import {
  LocalPipeline,
  LocalServer,
  type LocalServerOptions,
  SimpleMessageBroker,
} from "../../src/runtime/index.js";
import type { UdfFunctions } from "../../src/stages/index.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { listeningPort, startCli } from "../helpers/start-cli.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

function udfTask(properties: Readonly<Record<string, unknown>>): TaskDocument {
  const source = "raise SystemExit('secret of the client')";
  return { type: "udf", task_properties: { udf_function: source, ...properties } };
}

async function resultOf(t: Cleanup, port: number, tasks: TaskDocument[]) {
  const client = new SimpleClient({ host: "127.0.0.1", port });
  t.onTestFinished(() => client.close());
  const documents = [{ name: "a.html", content: "<p>the mill</p>" }];
  const job = encodeJob(createJob({ documents, tasks }));
  const { transactionId } = await client.submitMessage("ingest_task_queue", job, {
    forNvIngest: true,
  });
  return parseResult((await client.fetchMessage(transactionId)) as string);
}

async function startServer(t: Cleanup, options: LocalServerOptions, udf?: UdfFunctions) {
  const server = new LocalServer({ ...options, broker: { port: 0 } }, { ...(udf && { udf }) });
  await server.start();
  t.onTestFinished(() => server.stop());
  return server;
}

const shout: ProcessingFunction = (message) => {
  for (const { metadata } of message.payload) {
    if (metadata !== undefined) metadata.content = metadata.content.toUpperCase();
  }
  return message;
};

const EXTRACT = extractTask({ documentType: "html" });
const UNKNOWN = udfTask({ udf_function_name: "process_text", phase: 5 });

test("a job with a function that nobody registered fails with the cause, and without its text", async (t) => {
  const server = await startServer(t, {});
  const result = await resultOf(t, server.port, [EXTRACT, UNKNOWN]);
  expect(result.status).toBe("failed");
  expect(failureCause(result)).toMatch(/^Error in udf: source text .*"process_text"$/);
  expect(JSON.stringify(result)).not.toContain("secret");
});

test("with the policy ignore the job is done and says what was left out", async (t) => {
  const server = await startServer(t, { pipeline: { udf: { policy: "ignore" } } });
  const result = await resultOf(t, server.port, [EXTRACT, UNKNOWN]);
  expect(result.data?.map(({ metadata }) => metadata.content)).toEqual(["the mill"]);
  const notes = Object.values(result.annotations ?? {}).map(({ message }) => message);
  expect(notes).toContainEqual(expect.stringMatching(/^skipped: .*"process_text"$/));
  expect(JSON.stringify(result)).not.toContain("secret");
});

test("a registered function runs on what was extracted, with the phase that clients send", async (t) => {
  const server = await startServer(t, {}, { registry: { shout } });
  const tasks = [EXTRACT, udfTask({ udf_function_name: "shout", phase: 5 })];
  const result = await resultOf(t, server.port, tasks);
  expect(result.data?.map(({ metadata }) => metadata.content)).toEqual(["THE MILL"]);
});

test("a function in front of a checkpoint does not run again, one behind it does", async (t) => {
  let calls = 0;
  const counted: ProcessingFunction = (message, context) => {
    calls++;
    return shout(message, context);
  };
  const checkpoints = { dir: await temporaryFolder(t) };
  const early = { udf_function_name: "shout", target_stage: "html_extractor", run_before: true };
  const tasks = [EXTRACT, udfTask(early), udfTask({ udf_function_name: "shout", phase: 5 })];
  for (const version of ["1", "1", "2"]) {
    const udf = { registry: { shout: counted }, version };
    const server = await startServer(t, { pipeline: { checkpoints } }, udf);
    const result = await resultOf(t, server.port, tasks);
    expect(result.data?.map(({ metadata }) => metadata.content)).toEqual(["THE MILL"]);
  }
  // Both, then only the one behind the checkpoint, then both of the new version.
  expect(calls).toBe(2 + 1 + 2);
});

test("functions for stages that are not there are told when the pipeline starts", async () => {
  const brokerClient = { clientType: "memory", broker: new SimpleMessageBroker() } as const;
  const hooks = { pdf_extracter: { before: shout } };
  const pipeline = new LocalPipeline({ brokerClient }, { udf: { hooks } });
  await expect(pipeline.start()).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
});

test("serve takes the policy from its command line", async (t) => {
  const cli = startCli(t, ["serve", "--port", "0", "--udf-policy", "ignore"]);
  const result = await resultOf(t, await listeningPort(cli), [EXTRACT, UNKNOWN]);
  expect(result.status).toBe("success");
});
