// Merges two changes of a text that are in different lines.

// Line breaks as a text area has them.
export const plain = text => text.replace(/\r\n?/g, '\n')

// Returns the text with both changes, or null if they touch or if there is no text.
export function merge(base, theirs, mine) {
  if (typeof theirs !== 'string') return null
  if (plain(theirs) === mine) return mine
  const before = base.split('\n')
  const [first, second] = [plain(theirs), mine]
    .map(text => changeOf(before, text.split('\n')))
    .sort((one, other) => one.from - other.from)
  if (first.to >= second.from) return null
  const kept = before.slice(first.to, second.from)
  const lines = [...before.slice(0, first.from), ...first.lines, ...kept, ...second.lines]
  return [...lines, ...before.slice(second.to)].join('\n')
}

// What replaces the lines from `from` to `to`: the smallest stretch with all changes.
function changeOf(before, after) {
  const shorter = Math.min(before.length, after.length)
  let from = 0
  while (from < shorter && before[from] === after[from]) from++
  let end = 0
  while (end < shorter - from && before.at(-1 - end) === after.at(-1 - end)) end++
  return { from, to: before.length - end, lines: after.slice(from, after.length - end) }
}
