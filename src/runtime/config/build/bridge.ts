/** Takes stages out of a pipeline and joins what was before and behind each of them. */
import type { EdgeDefinition } from "../definition/pipeline-definition.js";

/** Without the parts in `removed`: each edge into one of them goes on to where its own edges go. */
export function bridgedEdges(
  edges: readonly EdgeDefinition[],
  removed: ReadonlySet<string>,
): EdgeDefinition[] {
  let left = [...edges];
  for (const name of removed) {
    const befores = left.filter(({ from, to }) => to === name && from !== name);
    const behinds = left.filter(({ from, to }) => from === name && to !== name);
    const joined = befores.flatMap(({ from }) => behinds.map(({ to }) => ({ from, to })));
    // At the place of the first edge that goes, since the order of edges is that of copies.
    const place = left.findIndex(({ from, to }) => from === name || to === name);
    const others = left.filter(({ from, to }) => from !== name && to !== name);
    others.splice(
      place < 0 ? others.length : place,
      0,
      ...joined.filter(({ from, to }) => from !== to),
    );
    left = withoutRepeats(others);
  }
  return left;
}

/** Who ran after a stage that is gone runs after those that it ran after itself. */
export function bridgedRunsAfter(
  runsAfter: readonly string[],
  removed: ReadonlyMap<string, readonly string[]>,
): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [...runsAfter].reverse();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const own = removed.get(name);
    if (own === undefined) found.add(name);
    else pending.push(...[...own].reverse());
  }
  return [...found];
}

function withoutRepeats(edges: readonly EdgeDefinition[]): EdgeDefinition[] {
  const byEnds = new Map(edges.map((edge) => [JSON.stringify([edge.from, edge.to]), edge]));
  return [...byEnds.values()];
}
