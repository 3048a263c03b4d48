/** What traces tell of a job: names, numbers and types, nothing that its client wrote freely. */

import type { IngestControlMessage } from "../message/index.js";
import { entryKey, exitKey, isDocumentType, NETWORK_TRACE_NAME } from "../message/index.js";
import type { TracedJob } from "../telemetry/index.js";

export function tracedJob(origin: IngestControlMessage): TracedJob {
  const traceId = origin.getMetadata("trace_id");
  const types = origin.payload.map(({ documentType }) =>
    isDocumentType(documentType) ? documentType : "unknown",
  );
  return {
    jobId: origin.jobId,
    traceId: typeof traceId === "string" ? traceId : undefined,
    sentAt: origin.getTimestamp(entryKey(NETWORK_TRACE_NAME)),
    fetchedAt: origin.getTimestamp(exitKey(NETWORK_TRACE_NAME)),
    documentTypes: [...new Set(types)],
    documentCount: types.length,
  };
}
