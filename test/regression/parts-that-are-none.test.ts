// Failure: a pipeline in plain JavaScript without a sink ended with "Cannot read properties of
// undefined", and one with the name of a stage instead of a stage began and failed each job.
import { expect, test } from "vitest";
import { Pipeline } from "../../src/pipeline/index.js";
import { MessageBrokerTaskSink } from "../../src/sinks/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";

const source = new MessageBrokerTaskSource();
const sink = new MessageBrokerTaskSink();

test.for([
  ["no sink", { source }, '"sink" is missing'],
  ["neither source nor sink", {}, '"source" is missing; "sink" is missing'],
  ["a sink that is a source", { source, sink: source }, '"sink": must have the method processMess'],
  ["a name", { source, sink, stages: ["pdf_extractor"] }, '"stages[0]": must be a function or a'],
  ["a bare object", { source, sink, stages: [(m: object) => m, { name: "a" }] }, '"stages[1]": mu'],
  ["a hole", { source, sink, stages: [null] }, "is of type object"],
  ["a stage under a name", { source, sink, stages: [{ stage: "a" }] }, 'is the text "a"'],
] as const)("a pipeline with %s is refused, and told why", ([, parts, reason]) => {
  const make = () => new Pipeline(parts as never);
  expect(make).toThrow(expect.objectContaining({ code: "OPTIONS_INVALID" }));
  expect(make).toThrow(expect.objectContaining({ message: expect.stringContaining(reason) }));
});
