/**
 * Standard variables of OpenTelemetry and of S3, as if they were ours: who has set up a collector or a
 * bucket for all programs of a machine need not do it again. Ours win.
 */

type Names = readonly (readonly [standard: string, ours: string])[];

const OTEL: Names = [
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "MILLRACE_OTLP_ENDPOINT"],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "MILLRACE_OTLP_TRACES_ENDPOINT"],
  ["OTEL_SERVICE_NAME", "MILLRACE_OTLP_SERVICE_NAME"],
];
const S3: Names = [
  ["AWS_ACCESS_KEY_ID", "MILLRACE_OBJECTS_ACCESS_KEY_ID"],
  ["AWS_SECRET_ACCESS_KEY", "MILLRACE_OBJECTS_SECRET_ACCESS_KEY"],
];

type Environment = Readonly<Record<string, string | undefined>>;

export function withStandardVariables(environment: Environment): Environment {
  const hasOtel = environment.OTEL_SDK_DISABLED?.toLowerCase() !== "true";
  const found = [...(hasOtel ? OTEL : []), ...S3].flatMap(([standard, ours]) => {
    const value = environment[standard];
    return value && !environment[ours] ? [[ours, value] as const] : [];
  });
  return { ...environment, ...Object.fromEntries(found) };
}
