/** The JSON Schema of a pipeline file, for editors. */
import { z } from "zod";
import { PipelineDefinition, Use } from "./pipeline-definition.js";

/** Ours, for pages of documentation; an editor knows nothing of them. */
const OWN_MEMBERS = ["typeText", "defaultText", "isVariableOnly"];

/**
 * JSON Schema, draft 2020-12, of what may be written. Defaults that depend on the machine are left out.
 * `$NAME` of the environment is not known to it: where a number must stand, an editor will complain.
 */
export function pipelineFileSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(PipelineDefinition, {
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      // In a file nothing but text can be used.
      if ((zodSchema as unknown) === Use) {
        delete jsonSchema.anyOf;
        Object.assign(jsonSchema, { type: "string", minLength: 1 });
      }
      if ("defaultText" in jsonSchema) delete jsonSchema.default;
      for (const member of OWN_MEMBERS) delete jsonSchema[member];
    },
  });
  return { ...schema, title: "A pipeline of Millrace" };
}
