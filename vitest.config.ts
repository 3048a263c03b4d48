import { existsSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { defineConfig } from "vitest/config";

const src = resolve(import.meta.dirname, "src") + sep;
const dist = resolve(import.meta.dirname, "dist") + sep;

/**
 * Tests run against the build, not against the sources: child processes and worker threads can only
 * load the build, and what is tested should be what ships. So an import of a file under `src` that
 * is not itself a test is answered with its compiled twin.
 */
const testTheBuild = {
  name: "test-the-build",
  enforce: "pre" as const,
  resolveId(source: string, importer: string | undefined) {
    if (!source.startsWith(".") || importer === undefined) return null;
    const target = resolve(dirname(importer), source);
    if (!target.startsWith(src)) return null;
    const compiled = dist + target.slice(src.length);
    return existsSync(compiled) ? { id: compiled, external: true } : null;
  },
};

export default defineConfig({
  plugins: [testTheBuild],
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "faults/*.test.ts"],
    pool: "threads",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A second, as it would be, is too short for a machine with other things to do.
    expect: { poll: { timeout: 20_000 } },
  },
});
