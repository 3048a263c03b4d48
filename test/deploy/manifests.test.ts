// Goal: what stands below deploy/ fits together and fits the program.
// Method: the files are read as data. Each command line is given to the built program with
// --print-config, which connects to nothing, and probes are asked of a running one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SUB_QUEUES, subQueueName } from "../../src/client/redis/sub-queues.js";
import { getText } from "../helpers/http.js";
import { type Cleanup, startBroker } from "../helpers/start-broker.js";
import { runCli, startCli } from "../helpers/start-cli.js";
import {
  bytesOf,
  type CommandLine,
  commandLines,
  compose,
  containersOf,
  DEPLOY,
  documents,
  kubernetesFiles,
  kustomization,
  named,
  ofKind,
  type Tree,
  textOf,
  workloads,
  writtenCommands,
} from "./manifests.js";

const { version } = JSON.parse(readFileSync(join(DEPLOY, "../package.json"), "utf8"));
const dockerfile = textOf("Dockerfile");
const podOf = (workload: Tree) => workload.spec.template.spec;

/** Values of all options by their path, and the variables of those that there are. */
async function configOf(t: Cleanup, { args, env }: Pick<CommandLine, "args" | "env">) {
  const { code, stdout, stderr } = await runCli(t, [...args, "--print-config", "--json"], { env });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const options = Object.entries<Tree>(JSON.parse(stdout).options);
  return {
    value: Object.fromEntries(options.map(([path, { value }]) => [path, value])),
    variables: options.map(([, { variable }]) => variable),
  };
}

/** A pipeline that serves its health; the address without a path. */
async function startWatched(t: Cleanup): Promise<string> {
  const broker = await startBroker(t, { port: 0 });
  await broker.start();
  const url = `simple://127.0.0.1:${broker.port}`;
  const cli = startCli(t, ["pipeline", "--broker", url, "--metrics-port", "0"]);
  const [, address] = await cli.line(/(http:\/\/127\.0\.0\.1:\d+)\/metrics/);
  return address as string;
}

describe("command lines", () => {
  test("there are some, in both sorts of manifests", () => {
    expect(commandLines().map(({ place }) => place)).toEqual([
      "compose.yaml, worker",
      "kubernetes, millrace-worker",
    ]);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["millrace"\]$/m);
  });

  test.each(commandLines())("of $place are taken by the program", async ({ args, env }) => {
    const { value, variables } = await configOf({ onTestFinished }, { args, env });
    expect(args[0]).toBe("pipeline");
    for (const name of Object.keys(env)) expect(variables).toContain(name);
    expect(value.broker).toBe(env.MILLRACE_BROKER);
    expect(value["redis.passwordFile"]).toBe(env.MILLRACE_REDIS_PASSWORD_FILE);
    expect(value["redis.passwordFile"]).toMatch(/^\/run\/secrets\//);
  });

  test.each(commandLines())("of $place leave time to end", async (line) => {
    const { value } = await configOf({ onTestFinished }, line);
    // The program itself takes up to 2 s more.
    expect(line.graceMs).toBeGreaterThanOrEqual(value.drainTimeoutMs + 5_000);
    expect(value["metrics.livenessMs"]).toBeGreaterThan(value.stageTimeoutMs);
  });

  test.each(commandLines())("of $place fit into the memory they get", async (line) => {
    const { value } = await configOf({ onTestFinished }, line);
    const threadMb = value["workers.maxHeapMb"] + value["extract.maxPdfMemoryMb"];
    const threadsBytes = value["workers.maxThreads"] * threadMb * 1024 ** 2;
    expect(threadsBytes + value.maxBytesInFlight).toBeLessThan(line.memoryBytes);
  });

  const pages = ["README.md", "../docs/scale-out.md"];
  const written = pages.flatMap((page) =>
    writtenCommands(textOf(page)).map((command) => ({ page, command })),
  );

  test("stand in the pages, too", () => {
    expect(new Set(written.map(({ page }) => page))).toEqual(new Set(pages));
  });

  test.each(written)("$command, in $page, is taken", async ({ command }) => {
    await configOf({ onTestFinished }, { args: command.split(/\s+/).slice(1), env: {} });
  });
});

describe("probes", () => {
  const probes = workloads.flatMap((workload) =>
    containersOf(workload).flatMap((container) =>
      [container.livenessProbe, container.readinessProbe]
        .filter((probe) => probe?.httpGet !== undefined)
        .map((probe) => ({ container, ...probe.httpGet })),
    ),
  );

  test("ask for pages that the program serves, at the port that it is given", async (t) => {
    const address = await startWatched(t);
    expect(probes.map(({ path }) => path)).toEqual(["/health/live", "/health/ready"]);
    for (const { path, port, container } of probes) {
      expect(await getText(address + path)).toMatchObject({ status: 200 });
      const { value } = await configOf(t, { args: container.args, env: {} });
      const opened = container.ports.find(({ name }: Tree) => name === port);
      expect(opened?.containerPort).toBe(value["metrics.port"]);
      // From outside the pod.
      expect(value["metrics.host"]).toBe("0.0.0.0");
      expect(value["metrics.allowRemote"]).toBe(true);
    }
  });

  test("and so do the annotations for Prometheus", async (t) => {
    const address = await startWatched(t);
    const worker = named("Deployment", "millrace-worker");
    const { annotations } = worker.spec.template.metadata;
    expect(await getText(address + annotations["prometheus.io/path"])).toMatchObject({
      status: 200,
    });
    const [container] = containersOf(worker);
    expect(annotations["prometheus.io/port"]).toBe(String(container.ports[0].containerPort));
  });

  test("the check of Compose tells a worker that lives from one that does not", async (t) => {
    const { command, healthcheck } = compose.services.worker;
    const [kind, program, ...args] = healthcheck.test;
    expect([kind, program]).toEqual(["CMD", "node"]);
    const { value } = await configOf(t, { args: command, env: {} });
    const written = `http://127.0.0.1:${value["metrics.port"]}`;
    expect(args.join(" ")).toContain(written);
    const check = async (address: string) => {
      const asked = args.map((arg: string) => arg.replace(written, address));
      const [code] = await once(spawn(process.execPath, asked), "exit");
      return code;
    };
    const address = await startWatched(t);
    expect(await check(address)).toBe(0);
    expect(await check(`${address}/nothing`)).toBe(1);
    expect(await check("http://127.0.0.1:1")).toBe(1);
  });
});

describe("the documents for Kubernetes", () => {
  test("have a version, a kind and a name, and no namespace", () => {
    expect(documents.length).toBeGreaterThan(5);
    for (const { apiVersion, kind, metadata } of [...documents, kustomization]) {
      expect(apiVersion).toMatch(/^[a-z0-9./]+$/);
      expect(kind).toMatch(/^[A-Z]\w+$/);
      expect(metadata.name).toMatch(/^millrace[a-z-]*$/);
      expect(metadata).not.toHaveProperty("namespace");
    }
  });

  test("have each name once, and are all in the kustomization", () => {
    const names = documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
    expect([...kustomization.resources].sort()).toEqual([...kubernetesFiles].sort());
    for (const { files } of kustomization.configMapGenerator) {
      for (const file of files) expect(existsSync(join(DEPLOY, "kubernetes", file))).toBe(true);
    }
  });

  test("select what they mean", () => {
    const labelled = workloads.map(({ spec }) => spec.template.metadata.labels);
    for (const { spec } of workloads) {
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
      for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? []) {
        expect(labelSelector).toEqual(spec.selector);
      }
    }
    for (const { spec } of ofKind("Service")) expect(labelled).toContainEqual(spec.selector);
    for (const { spec } of ofKind("PodDisruptionBudget")) {
      expect(labelled).toContainEqual(spec.selector.matchLabels);
    }
  });

  test("mount volumes that exist, each from something that exists", () => {
    const made = kustomization.configMapGenerator.map(({ name }: Tree) => name);
    for (const workload of workloads) {
      const claims = (workload.spec.volumeClaimTemplates ?? []).map(
        ({ metadata }: Tree) => metadata.name,
      );
      const volumes = podOf(workload).volumes.map(({ name }: Tree) => name);
      for (const { volumeMounts } of containersOf(workload)) {
        const mounted = volumeMounts.map(({ name }: Tree) => name);
        expect([...mounted].sort()).toEqual([...volumes, ...claims].sort());
      }
      for (const { configMap } of podOf(workload).volumes) {
        if (configMap) expect([...made, "millrace-broker"]).toContain(configMap.name);
      }
    }
  });

  test("refer to the secret that deploy/README.md makes, and hold none", () => {
    const create = /create secret generic (\S+) --from-file=(\S+?)=(\S+)/.exec(textOf("README.md"));
    const [, name, key, file] = create ?? [];
    expect(textOf("../.gitignore").split("\n")).toContain(file);
    const volumes = workloads.flatMap((workload) => podOf(workload).volumes);
    const secrets = volumes.flatMap(({ secret }: Tree) => secret ?? []);
    expect(secrets).toHaveLength(2);
    for (const { secretName, items } of secrets) {
      expect(secretName).toBe(name);
      expect(items).toEqual([{ key, path: "password" }]);
    }
    for (const { spec } of ofKind("TriggerAuthentication")) {
      expect(spec.secretTargetRef).toEqual([{ parameter: "password", name, key }]);
    }
    expect(ofKind("Secret")).toEqual([]);
    const all = [textOf("compose.yaml"), dockerfile, JSON.stringify(documents)].join("\n");
    expect(all).not.toMatch(/rediss?:\/\/[^/\s"]*@/);
    expect(all).not.toMatch(/MILLRACE_REDIS_PASSWORD\b/);
  });

  test("lead to the server that they start", () => {
    const { data } = named("ConfigMap", "millrace-broker");
    const { hostname, port } = new URL(data.url);
    const service = named("Service", hostname);
    expect(service.spec.ports.map((each: Tree) => each.port)).toContain(Number(port));
    expect(data["keda-address"]).toMatch(new RegExp(`^${hostname}\\.[a-z-]+\\.svc:${port}$`));
    const [server] = ofKind("StatefulSet");
    expect(server.spec.serviceName).toBe(hostname);
    const names = containersOf(server).flatMap(({ ports }) => ports.map(({ name }: Tree) => name));
    for (const { targetPort } of service.spec.ports) expect(names).toContain(targetPort);
  });

  test("scale the workers by all lists that they take jobs from", async (t) => {
    const [{ spec }] = ofKind("ScaledObject") as [Tree];
    const { kind, name } = spec.scaleTargetRef;
    const [container] = containersOf(named(kind, name));
    const { value } = await configOf(t, { args: container.args, env: {} });
    const lists = SUB_QUEUES.map((each) => subQueueName(value.taskQueue, each));
    const listed = spec.triggers.map(({ metadata }: Tree) => metadata.listName);
    expect([...listed].sort()).toEqual([...lists].sort());
    const summed = spec.advanced.scalingModifiers.formula.split(" + ");
    expect(summed).toEqual(spec.triggers.map((trigger: Tree) => trigger.name));
    for (const { type, authenticationRef } of spec.triggers) {
      expect(type).toBe("redis");
      expect(named("TriggerAuthentication", authenticationRef.name)).toBeDefined();
    }
    for (const { spec: asked } of ofKind("TriggerAuthentication")) {
      for (const { name: map, key } of asked.configMapTargetRef) {
        expect(named("ConfigMap", map).data).toHaveProperty(key);
      }
    }
    expect(spec.minReplicaCount).toBeGreaterThanOrEqual(1);
    expect(named(kind, name).spec).not.toHaveProperty("replicas");
  });

  test("give no process more than it needs", () => {
    for (const workload of workloads) {
      const { securityContext, ...pod } = podOf(workload);
      expect(securityContext).toMatchObject({ runAsNonRoot: true });
      expect(securityContext.runAsUser).toBeGreaterThan(0);
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      for (const { resources, securityContext: own } of containersOf(workload)) {
        expect(own).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(resources).toMatchObject({ requests: {}, limits: {} });
      }
    }
  });
});

describe("Compose", () => {
  test("refers to what is there", () => {
    const { services, secrets, configs, volumes } = compose;
    for (const service of Object.values<Tree>(services)) {
      for (const name of service.secrets) expect(secrets).toHaveProperty(name);
      for (const { source } of service.configs ?? []) expect(configs).toHaveProperty(source);
      for (const mount of service.volumes ?? []) {
        expect(volumes).toHaveProperty(mount.split(":")[0]);
      }
      for (const name of Object.keys(service.depends_on ?? {})) {
        expect(services).toHaveProperty(name);
        expect(services[name]).toHaveProperty("healthcheck");
      }
      expect(service).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
    }
    const { MILLRACE_BROKER } = services.worker.environment;
    expect(services).toHaveProperty(new URL(MILLRACE_BROKER).hostname);
    expect(existsSync(join(DEPLOY, configs["valkey-conf"].file))).toBe(true);
    expect(services.worker.deploy.replicas).toBeGreaterThan(1);
  });
});

test("images have a version, ours that of the package", () => {
  const images = [
    ...Object.values<Tree>(compose.services).map(({ image }) => image),
    ...workloads.flatMap(containersOf).map(({ image }) => image),
    ...[...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image as string),
  ];
  for (const image of images) expect(image).toMatch(/:\d+(\.\d+)*(-[a-z]+)?$/);
  const ours = images.filter((image) => image.startsWith("millrace"));
  expect(new Set(ours)).toEqual(new Set([`millrace:${version}`]));
  expect(dockerfile).toContain(`ARG MILLRACE=millrace@${version}\n`);
  expect(dockerfile).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
});

test("the server keeps jobs, throws none away and has memory for its rewrite", () => {
  const lines = textOf("kubernetes/valkey.conf").split("\n");
  const settings = new Map(
    lines
      .filter((line) => /^[a-z]/.test(line))
      .map((line) => line.split(/ (.*)/, 2) as [string, string]),
  );
  expect(settings.get("appendonly")).toBe("yes");
  expect(settings.get("appendfsync")).toBe("everysec");
  expect(settings.get("maxmemory-policy")).toBe("noeviction");
  expect(settings).not.toContain("requirepass");
  const maxBytes = bytesOf(settings.get("maxmemory") as string);
  const [server] = ofKind("StatefulSet");
  const limits = [
    bytesOf(compose.services.valkey.mem_limit),
    ...containersOf(server).map(({ resources }) => bytesOf(resources.limits.memory)),
  ];
  for (const limit of limits) expect(limit).toBeGreaterThanOrEqual(2 * maxBytes);
});

test("links in deploy/README.md lead to something", () => {
  const links = [...textOf("README.md").matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)];
  expect(links.length).toBeGreaterThan(3);
  for (const [, target] of links) expect(existsSync(join(DEPLOY, target as string))).toBe(true);
});
