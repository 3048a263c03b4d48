/** One job as its client sees it. */
import type { MessageBrokerClient } from "millrace";

/** Submits the job and waits for its result. @throws when the result is no success. */
export async function runJob(
  client: MessageBrokerClient,
  taskQueue: string,
  job: string,
): Promise<void> {
  const { transactionId } = await client.submitMessage(taskQueue, job, { forNvIngest: true });
  const result = await client.fetchMessage(transactionId);
  if (!result?.startsWith('{"status":"success"')) throw new Error("a job has no good result");
}
