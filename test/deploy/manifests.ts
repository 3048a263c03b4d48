/** What stands below `deploy`, read as data. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";

export const DEPLOY = join(import.meta.dirname, "../../deploy");

/** Manifests are looked into by many paths; what is missing is undefined. */
// biome-ignore lint/suspicious/noExplicitAny: their schemas are Kubernetes' and Compose's, not ours.
export type Tree = any;

export const textOf = (path: string) => readFileSync(join(DEPLOY, path), "utf8");
export const compose: Tree = parse(textOf("compose.yaml"));
export const kustomization: Tree = parse(textOf("kubernetes/kustomization.yaml"));

export const kubernetesFiles = readdirSync(join(DEPLOY, "kubernetes")).filter(
  (name) => name.endsWith(".yaml") && name !== "kustomization.yaml",
);

export const documents: Tree[] = kubernetesFiles.flatMap((name) =>
  parseAllDocuments(textOf(`kubernetes/${name}`)).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  }),
);

export const ofKind = (kind: string) => documents.filter((each) => each.kind === kind);
export const named = (kind: string, name: string) =>
  ofKind(kind).find(({ metadata }) => metadata.name === name);

/** Deployments and StatefulSets. */
export const workloads = documents.filter(({ spec }) => spec?.template !== undefined);
export const containersOf = (workload: Tree): Tree[] => workload.spec.template.spec.containers;

export interface CommandLine {
  readonly place: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly graceMs: number;
  readonly memoryBytes: number;
}

const isOurs = ({ image }: Tree) => /(^|\/)millrace:/.test(image);

/** Bytes of "3g", "3Gi", "512Mi" or "2gb". */
export function bytesOf(text: string): number {
  const [, count, unit = ""] = /^(\d+)([kmg]?)(?:i|b)?$/i.exec(text) ?? [];
  return Number(count) * 1024 ** " kmg".indexOf(unit.toLowerCase() || " ");
}

/** Each way in which the manifests start a command of ours. */
export function commandLines(): CommandLine[] {
  const composed = Object.entries<Tree>(compose.services)
    .filter(([, service]) => isOurs(service))
    .map(([name, service]) => ({
      place: `compose.yaml, ${name}`,
      args: service.command,
      env: service.environment,
      graceMs: 1000 * Number(/^(\d+)s$/.exec(service.stop_grace_period)?.[1]),
      memoryBytes: bytesOf(service.mem_limit),
    }));
  const orchestrated = workloads.flatMap((workload) =>
    containersOf(workload)
      .filter(isOurs)
      .map((container) => ({
        place: `kubernetes, ${workload.metadata.name}`,
        args: container.args,
        env: Object.fromEntries(container.env.map((each: Tree) => [each.name, variableOf(each)])),
        graceMs: 1000 * workload.spec.template.spec.terminationGracePeriodSeconds,
        memoryBytes: bytesOf(container.resources.limits.memory),
      })),
  );
  return [...composed, ...orchestrated];
}

function variableOf({ value, valueFrom }: Tree): string {
  const { name, key } = valueFrom?.configMapKeyRef ?? {};
  return value ?? named("ConfigMap", name).data[key];
}

/** Commands of ours in the console samples of a page, without the ones around them. */
export function writtenCommands(page: string): string[] {
  const blocks = [...page.matchAll(/^```(?:console|text)\n([\s\S]*?)^```$/gm)];
  const lines = blocks.flatMap(([, text]) => (text as string).replaceAll("\\\n", " ").split("\n"));
  return lines.flatMap((line) => /(?:^|\s)(millrace [a-z].*)$/.exec(line.trim())?.[1] ?? []);
}
