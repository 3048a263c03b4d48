/**
 * Names of the keys in Redis. Queues and results have nv-ingest's own names; what is ours stands
 * beside them under the same hash tag, so that Redis Cluster keeps it on the same node.
 */

/** Our name beside a key: `{jobs}:workers` lies where `jobs` lies. */
function beside(key: string, name: string): string {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key);
  return tag === null ? `{${key}}:${name}` : `${key}:${name}`;
}

/** What belongs to one queue. */
export interface QueueKeys {
  /** List of messages, oldest first. */
  readonly queue: string;
  /** List of jobs before their last attempt; one of them is out at a time. */
  readonly last: string;
  /** String: the claim of the job that is out for its last attempt. */
  readonly lastClaim: string;
  /** Hash: job id -> how often a consumer of it died. */
  readonly deliveries: string;
  /** Sorted set: worker -> when its lease ends, in ms since 1970 by the clock of Redis. */
  readonly workers: string;
  /** String: the worker that looks after dead ones just now. */
  readonly keeper: string;
  /** Hash: what a worker says of itself. */
  worker(workerId: string): string;
  /** List of one message: what a worker holds in one of its places. */
  claim(workerId: string, place: number): string;
  /** String: a push was done, remembered for a while. */
  pushed(pushId: string): string;
  /** Channel: jobs that were cancelled, and calls to look again. */
  readonly channel: string;
}

export function queueKeys(queue: string): QueueKeys {
  const own = (name: string) => beside(queue, name);
  return {
    queue,
    last: own("last"),
    lastClaim: own("last-claim"),
    deliveries: own("deliveries"),
    workers: own("workers"),
    keeper: own("keeper"),
    worker: (workerId) => own(`worker:${workerId}`),
    claim: (workerId, place) => own(`claim:${workerId}:${place}`),
    pushed: (pushId) => own(`pushed:${pushId}`),
    channel: own("events"),
  };
}

/** What belongs to one job. */
export interface JobKeys {
  /** List of the fragments of its result. */
  readonly result: string;
  /** Hash: `s` its state, `q` its queue, `at` when it was stored, `by` who answered, `n` who waits, `ref` whether its text lies outside of Redis. */
  readonly job: string;
  /** List of the fragments of a result on their way to it. */
  staged(token: string): string;
  /** Hash: the dead letter, without the text of the job. */
  readonly letter: string;
  /** List of one message: the text of the job of a dead letter. */
  readonly deadText: string;
}

export function jobKeys(jobId: string): JobKeys {
  return {
    result: jobId,
    job: beside(jobId, "job"),
    staged: (token) => beside(jobId, `staged:${token}`),
    letter: beside(jobId, "dead"),
    deadText: beside(jobId, "dead:text"),
  };
}

/** Sorted set: job id -> when it became a dead letter, in ms since 1970. */
export const DEAD_INDEX = "{millrace}:dead";

/** String: set once, so that a Redis that lost its content is known by its absence. */
export const EPOCH = "{millrace}:epoch";

/** Channel of a client that waits for results. */
export function resultChannel(clientId: string): string {
  return `millrace:results:${clientId}`;
}
