// A link to the page of a workflow can name a node (#node=charge), which is selected in the document.
export function selectNode() {
  const node = new URLSearchParams(location.hash.slice(1)).get('node')
  const area = document.getElementById('id_ir')
  if (!node || !area) return
  const start = area.value.search(new RegExp(`"id"\\s*:\\s*${escapeRegExp(JSON.stringify(node))}`))
  if (start < 0) return
  area.focus()
  area.setSelectionRange(start, area.value.indexOf('\n', start))
  const line = area.value.slice(0, start).split('\n').length
  area.scrollTop = (area.scrollHeight / area.value.split('\n').length) * Math.max(line - 4, 0)
}

const escapeRegExp = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

export function scrollToSelectedStep() {
  const list = document.getElementById('steps')
  const selected = list?.querySelector('.is-selected')
  if (selected) list.scrollTop = selected.offsetTop - list.offsetTop - list.clientHeight / 2
}
