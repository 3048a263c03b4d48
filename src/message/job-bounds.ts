/**
 * The bounds of a job that was just parsed from JSON. Checked before any schema sees it: parsing
 * itself is iterative in V8, but what comes after it recurses or copies.
 */

/** Real jobs nest about six deep; JSON.stringify and most libraries bear some thousands. */
const JOB_DEPTH_MAX = 64;
/**
 * Values of all kinds, a text of any length being one. A real job has under a hundred; at this
 * number looking at each of them, and listing what may be wrong with each, still takes little time.
 */
const JOB_VALUES_MAX = 50_000;

/** What is wrong, in words, or undefined. Walks without recursion; texts are never looked into. */
export function boundsFault(job: object): string | undefined {
  const pending: { value: object; depth: number }[] = [{ value: job, depth: 1 }];
  let count = 1;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (depth > JOB_DEPTH_MAX) return `job: is nested more than ${JOB_DEPTH_MAX} levels deep`;
    const isArray = Array.isArray(value);
    if (!isArray && Object.hasOwn(value, "__proto__")) {
      return 'job: a member named "__proto__" is not allowed';
    }
    const children: readonly unknown[] = isArray ? value : Object.values(value);
    count += children.length;
    if (count > JOB_VALUES_MAX) return `job: has more than ${JOB_VALUES_MAX} values`;
    for (const child of children) {
      if (typeof child === "object" && child !== null) {
        pending.push({ value: child, depth: depth + 1 });
      }
    }
  }
  return undefined;
}
