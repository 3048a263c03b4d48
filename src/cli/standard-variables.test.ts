// Goal: the standard variables of OpenTelemetry and of S3 count as ours, and ours win.
// Method: environments with one, the other, both and the switch that turns all off.
import { expect, test } from "vitest";
import { withStandardVariables } from "./standard-variables.js";

const OTEL = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://a:4318",
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://b:4318/x",
  OTEL_SERVICE_NAME: "mill",
};

test("the standard variables are read as ours", () => {
  expect(withStandardVariables({ ...OTEL, HOME: "/h" })).toEqual({
    ...OTEL,
    HOME: "/h",
    MILLRACE_OTLP_ENDPOINT: "http://a:4318",
    MILLRACE_OTLP_TRACES_ENDPOINT: "http://b:4318/x",
    MILLRACE_OTLP_SERVICE_NAME: "mill",
  });
});

test("ours win, and an empty variable counts as not set", () => {
  const own = { MILLRACE_OTLP_ENDPOINT: "http://own:4318", MILLRACE_OTLP_SERVICE_NAME: "" };
  expect(withStandardVariables({ ...OTEL, ...own, OTEL_SERVICE_NAME: "" })).toMatchObject({
    MILLRACE_OTLP_ENDPOINT: "http://own:4318",
    MILLRACE_OTLP_SERVICE_NAME: "",
  });
});

test("who switched OpenTelemetry off gets nothing of it", () => {
  const environment = { ...OTEL, OTEL_SDK_DISABLED: "TRUE" };
  expect(withStandardVariables(environment)).toEqual(environment);
});

test("keys of a bucket are read from their standard variables", () => {
  const environment = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  expect(withStandardVariables({ ...environment, OTEL_SDK_DISABLED: "true" })).toMatchObject({
    MILLRACE_OBJECTS_ACCESS_KEY_ID: "a",
    MILLRACE_OBJECTS_SECRET_ACCESS_KEY: "b",
  });
});
