/** Puts a pipeline together part by part; nothing is checked before `build`. */
import type { Edge } from "./graph.js";
import type { PipelineSettings } from "./options.js";
import type { GraphParts } from "./pipeline-parts.js";
import type { Sink } from "./sink.js";
import type { Source } from "./source.js";
import type { ProcessingFunction, Stage, StageWithOptions } from "./stage.js";

type StageExtras = Omit<StageWithOptions, "stage" | "name">;
export type BuilderSettings = PipelineSettings &
  Pick<GraphParts, "checkpoints" | "observer" | "logger">;

export class PipelineBuilder<Pipeline> {
  readonly #settings: BuilderSettings;
  readonly #create: (parts: GraphParts) => Pipeline;
  readonly #sources: [name: string, source: Source][] = [];
  readonly #stages: StageWithOptions[] = [];
  readonly #sinks: [name: string, sink: Sink][] = [];
  readonly #edges: Edge[] = [];

  constructor(settings: BuilderSettings, create: (parts: GraphParts) => Pipeline) {
    this.#settings = settings;
    this.#create = create;
  }

  addSource(name: string, source: Source): this {
    this.#sources.push([name, source]);
    return this;
  }

  /** Without edges the stages run in the order in which they are added. */
  addStage(name: string, stage: Stage | ProcessingFunction, options: StageExtras = {}): this {
    this.#stages.push({ ...options, name, stage });
    return this;
  }

  addSink(name: string, sink: Sink): this {
    this.#sinks.push([name, sink]);
    return this;
  }

  /** With one edge all are needed: the parts are no chain then. */
  addEdge(from: string, to: string): this {
    this.#edges.push({ from, to });
    return this;
  }

  /** @throws as the constructor of `Pipeline` */
  build(): Pipeline {
    return this.#create({
      ...this.#settings,
      sources: this.#sources,
      sinks: this.#sinks,
      stages: this.#stages,
      edges: this.#edges,
    });
  }
}
