/** Suites that need a redis-server, and what becomes of them where there is none. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

/** Why suites with a Redis of their own cannot run here; undefined when they can. */
export const redisProcessAbsent: string | undefined = absentProgram();

/** A module lives as long as the file of tests that imports it. */
let hasTold = false;

/**
 * Like `describe`. Where no redis-server is on the PATH, its tests are left out, and a line on
 * standard error says so, once in a file; under `CI=true` a test fails in their place.
 */
export function describeRedis(name: string, body: () => void): void {
  if (redisProcessAbsent === undefined) {
    describe(name, body);
    return;
  }
  const { CI } = process.env;
  if (CI === "true") {
    test(`${name}: what it needs is here`, () => expect.unreachable(redisProcessAbsent));
    return;
  }
  describe.skip(name, body);
  if (!hasTold)
    process.stderr.write(`LEFT OUT "${name}" and what follows: ${redisProcessAbsent}\n`);
  hasTold = true;
}

function absentProgram(): string | undefined {
  for (const [program, argument] of [
    ["redis-server", "--version"],
    ["openssl", "version"],
  ] as const) {
    try {
      execFileSync(program, [argument], { stdio: "pipe" });
    } catch {
      return `no ${program} on the PATH; on Debian: apt-get install redis-server openssl`;
    }
  }
  return undefined;
}
