/** A task as it stands on a control message. What its properties mean is its stage's business. */
import { newId } from "../core/index.js";
import type { TaskType } from "./enums.js";

export interface ControlMessageTask {
  readonly id: string;
  readonly type: TaskType | (string & {});
  readonly properties: Record<string, unknown>;
  /** The same object as `properties`, under the name that nv-ingest's documentation uses. */
  readonly taskProperties: Record<string, unknown>;
}

export interface TaskInput {
  readonly type: TaskType | (string & {});
  /** A new UUID unless given; the same id may occur several times. */
  readonly id?: string | undefined;
  readonly properties?: Record<string, unknown> | undefined;
}

class Task implements ControlMessageTask {
  readonly id: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;

  constructor(id: string, type: string, properties: Record<string, unknown>) {
    this.id = id;
    this.type = type;
    this.properties = properties;
  }

  get taskProperties(): Record<string, unknown> {
    return this.properties;
  }
}

/** @throws TypeError when the type is no text or the properties are no object. */
export function createTask({ type, id, properties }: TaskInput): ControlMessageTask {
  if (typeof type !== "string" || type === "") {
    throw new TypeError('The "type" of a task must be a text that is not empty.');
  }
  if (id !== undefined && typeof id !== "string") {
    throw new TypeError('The "id" of a task must be a text.');
  }
  if (properties !== undefined && (typeof properties !== "object" || properties === null)) {
    throw new TypeError(`The "properties" of a task of type "${type}" must be an object.`);
  }
  return new Task(id ?? newId(), type, properties ?? {});
}
