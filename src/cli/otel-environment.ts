/**
 * The standard variables of OpenTelemetry, as if they were ours: who has set up a collector for all
 * programs of a machine need not do it again. Ours win.
 */

const STANDARD: readonly (readonly [standard: string, ours: string])[] = [
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "MILLRACE_OTLP_ENDPOINT"],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "MILLRACE_OTLP_TRACES_ENDPOINT"],
  ["OTEL_SERVICE_NAME", "MILLRACE_OTLP_SERVICE_NAME"],
];

type Environment = Readonly<Record<string, string | undefined>>;

export function withOtelVariables(environment: Environment): Environment {
  if (environment.OTEL_SDK_DISABLED?.toLowerCase() === "true") return environment;
  const found = STANDARD.flatMap(([standard, ours]) => {
    const value = environment[standard];
    return value && !environment[ours] ? [[ours, value] as const] : [];
  });
  return { ...environment, ...Object.fromEntries(found) };
}
