/**
 * Whether a message has a task that a stage asks for. Criteria come from the code of stages and from
 * the operator's configuration, never from the wire.
 */

export type TaskCriteria = Readonly<Record<string, unknown>>;
/** A type alone, or a type with criteria that the properties of one task must all satisfy. */
export type RequiredTask = string | readonly [type: string, ...criteria: TaskCriteria[]];

/** What the filter needs of a control message. */
interface HasTasks {
  getTasks(): readonly { readonly type: string; readonly properties: TaskCriteria }[];
}

const REGEX_PREFIX = "regex:";

/** A test that says yes when any of the required tasks is among those of a message. */
export function taskFilter(required: readonly RequiredTask[]): (message: HasTasks) => boolean {
  const wanted = required.map((item) => {
    const [type, ...criteria] = typeof item === "string" ? [item] : item;
    return { type, criteria };
  });
  return (message) => {
    const tasks = message.getTasks();
    return wanted.some(({ type, criteria }) =>
      tasks.some(
        (task) =>
          task.type === type && criteria.every((each) => matchesCriteria(task.properties, each)),
      ),
    );
  };
}

/**
 * Whether the properties of a task satisfy the criteria, key by key:
 * `"*"` any value; an object, recursively; text `regex:PATTERN` matches from the start of a text; a
 * scalar equals the value or one element of a list; a list when each of its elements is satisfied.
 */
export function matchesCriteria(properties: TaskCriteria, criteria: TaskCriteria): boolean {
  return Object.entries(criteria).every(
    ([key, required]) =>
      Object.hasOwn(properties, key) && (required === "*" || satisfies(properties[key], required)),
  );
}

function satisfies(value: unknown, required: unknown): boolean {
  if (Array.isArray(required)) return required.every((each) => satisfies(value, each));
  if (Array.isArray(value)) return value.some((element) => satisfies(element, required));
  if (isRecord(required)) return isRecord(value) && matchesCriteria(value, required);
  if (typeof required === "string" && required.startsWith(REGEX_PREFIX)) {
    // The sticky flag makes the pattern match where the text starts, and nowhere later.
    return (
      typeof value === "string" && new RegExp(required.slice(REGEX_PREFIX.length), "y").test(value)
    );
  }
  return value === required;
}

function isRecord(value: unknown): value is TaskCriteria {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
