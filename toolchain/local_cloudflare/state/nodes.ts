// Node names identify Workers and resources: `worker:NAME`, `kv:ID`, `d1:ID`, `r2:NAME`, `queue:NAME`, `workflow:NAME`,
// `do:ID` (the Durable Objects of a namespace).

export function splitNode(node: string): [kind: string, name: string] {
  const colon = node.indexOf(':');
  return [node.slice(0, colon), node.slice(colon + 1)];
}

/** The name under which another version of a Worker runs alongside the main one; no Worker has such a name. */
export const variantName = (worker: string, version: string): string => `${worker}@${version}`;

/** The Worker that a variant belongs to. */
export const workerOf = (runtimeName: string): string => runtimeName.split('@', 1)[0] ?? '';

/** The names of the nodes of one kind. */
export function namesOfKind(kind: string, nodes: Iterable<string>): string[] {
  return [...nodes].map(splitNode).flatMap(([nodeKind, name]) => (nodeKind === kind ? [name] : []));
}
