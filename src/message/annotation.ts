/**
 * Annotations: notes that stages leave on a message, which go out with the result. Clients print the
 * `message` of the first one whose `task_result` is `FAILURE`, so both are always written together.
 */
import { messageOf } from "../core/index.js";

/** Metadata entries whose key starts so are annotations. */
export const ANNOTATION_PREFIX = "annotation::";

/** The longest text taken from an error, in characters: a cause is for people, not a dump. */
const CAUSE_LENGTH_MAX = 4_096;

/** An annotation as it stands in the result. */
export interface Annotation {
  source_id: string;
  task_id?: string;
  task_result?: "SUCCESS" | "FAILURE";
  message?: string;
  error?: string;
  [member: string]: unknown;
}

/** What a stage says; members without a name of their own here are kept as they are. */
export interface AnnotationInput {
  /** Who writes it: a function or a stage. */
  readonly sourceId: string;
  readonly message?: string | undefined;
  /** Name of the stage whose task this is about. */
  readonly taskId?: string | undefined;
  readonly taskResult?: "SUCCESS" | "FAILURE" | undefined;
  readonly error?: string | undefined;
  readonly [member: string]: unknown;
}

/** @throws TypeError for the reserved member `annotation_timestamp`. */
export function createAnnotation(input: AnnotationInput): Annotation {
  const { sourceId, taskId, taskResult, message, error, ...others } = input;
  if (Object.hasOwn(others, "annotation_timestamp")) {
    throw new TypeError('"annotation_timestamp" is reserved; leave it out of the annotation.');
  }
  const annotation: Annotation = { source_id: sourceId };
  if (taskId !== undefined) annotation.task_id = taskId;
  if (taskResult !== undefined) annotation.task_result = taskResult;
  if (message !== undefined) annotation.message = message;
  if (error !== undefined) annotation.error = error;
  return Object.assign(annotation, others);
}

/** The text of anything that was thrown, cut to a length that people read. */
export function causeText(cause: unknown): string {
  const text = messageOf(cause);
  return text.length > CAUSE_LENGTH_MAX ? `${text.slice(0, CAUSE_LENGTH_MAX)}…` : text;
}
