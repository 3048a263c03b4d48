/** What of a definition are plain settings: the options of a `LocalPipeline` beside its broker. */
import { z } from "zod";
import { LocalPipelineSettings } from "../../local-pipeline-settings.js";
import { TelemetryOptions } from "../../telemetry.js";
import type { DefinedPipeline } from "./pipeline-definition.js";

const Settings = z.object({ ...LocalPipelineSettings.shape, ...TelemetryOptions.shape });
export type PipelineFileSettings = z.input<typeof Settings>;

export function pipelineSettings(definition: DefinedPipeline): PipelineFileSettings {
  return Settings.parse({ ...definition, udf: { policy: definition.udf.policy } });
}
