// Returns the operation with the nodes' new ids; `renamed` maps previous ids to new ones.
export function withNewIds(operation, renamed) {
  const idOf = id => renamed[id] ?? id
  const changed = { ...operation }
  for (const key of ['node', 'nodes']) {
    if (changed[key]) changed[key] = Array.isArray(changed[key]) ? changed[key].map(idOf) : idOf(changed[key])
  }
  if (changed.slot) {
    const { after, owner } = changed.slot
    changed.slot = { ...changed.slot, ...(after ? { after: idOf(after) } : { owner: idOf(owner) }) }
  }
  return changed
}
