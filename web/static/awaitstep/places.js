// A link to a workflow's page may name a node (#node=charge): it is selected in the document.
export function selectNode() {
  const node = new URLSearchParams(location.hash.slice(1)).get('node')
  const area = document.getElementById('id_ir')
  if (!node || !area) return
  const at = area.value.search(new RegExp(`"id"\\s*:\\s*${escaped(JSON.stringify(node))}`))
  if (at < 0) return
  area.focus()
  area.setSelectionRange(at, area.value.indexOf('\n', at))
  const line = area.value.slice(0, at).split('\n').length
  area.scrollTop = (area.scrollHeight / area.value.split('\n').length) * Math.max(line - 4, 0)
}

const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

// A list of many steps begins where the chosen one is.
export function showChosen() {
  const list = document.getElementById('steps')
  const chosen = list?.querySelector('.is-chosen')
  if (chosen) list.scrollTop = chosen.offsetTop - list.offsetTop - list.clientHeight / 2
}
