// Node names identify Workers and resources: `worker:NAME`, `kv:ID`, `d1:ID`, `r2:NAME`, `queue:NAME`, `workflow:NAME`.

export function splitNode(node: string): [kind: string, name: string] {
  const colon = node.indexOf(':');
  return [node.slice(0, colon), node.slice(colon + 1)];
}

/** The names of the nodes of one kind. */
export function namesOfKind(kind: string, nodes: Iterable<string>): string[] {
  return [...nodes].map(splitNode).flatMap(([nodeKind, name]) => (nodeKind === kind ? [name] : []));
}
