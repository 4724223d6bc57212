import { redrawPicture } from '../pictures.js'
import { updatePanel } from './panel/panel_update.js'

// Shows new HTML in parts of the page, and keeps focus, scrolling, folding and what is being typed.
const shown = new Map()

export function showParts(parts, renamed = {}) {
  for (const [id, html] of Object.entries(parts)) {
    const part = document.getElementById(id)
    if (!part || (shown.get(id) === html && !part.hasAttribute('data-panel'))) continue
    shown.set(id, html)
    if (!part.hasAttribute('data-panel') || !updatePanel(part, html, renamed)) show(part, html, renamed)
  }
}

function show(part, html, renamed) {
  const { scrollTop, scrollLeft } = part
  const focused = part.contains(document.activeElement) ? document.activeElement : null
  const folded = [...part.querySelectorAll('[aria-expanded=false][id]')].map(row => newId(row, renamed))
  const opened = [...part.querySelectorAll('details[open][id]')].map(({ id }) => id)
  const isTyping = focused?.matches('input, textarea, select') && focused.id
  const text = isTyping ? { id: focused.id, value: focused.value, start: focused.selectionStart } : null
  const typed = [...part.querySelectorAll('[data-keeps-text]')].map(({ id, value }) => [id, value])
  const node = nodeOf(part)
  part.innerHTML = html
  for (const [id, value] of typed) {
    const field = document.getElementById(id)
    if (field) field.value = value
  }
  for (const id of folded) document.getElementById(id)?.setAttribute('aria-expanded', 'false')
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '')
  if (focused) focusAgain(part, focused, text)
  if (part.matches('.picture-frame')) redrawPicture(part.closest('[data-picture]'))
  else if (nodeOf(part) === node) part.scrollTo(scrollLeft, scrollTop)
  else part.scrollTo(0, 0)
  document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
}

// The node whose form the part shows, if any.
const nodeOf = part => part.querySelector('[data-node-fields]')?.dataset.nodeFields

// The id of a row in the outline, which changes with the id of its node.
function newId({ id, dataset: { node, owner } }, renamed) {
  const old = node || owner
  return old in renamed ? id.replace(old, renamed[old]) : id
}

function focusAgain(part, focused, text) {
  const next =
    part.querySelector('[role=treeitem][aria-selected=true]') ??
    (focused.id ? document.getElementById(focused.id) : null)
  const target = text ? document.getElementById(text.id) : next
  // Otherwise the next keys would be those of the outline, where "d" duplicates a node.
  if (!target && part.hasAttribute('data-panel')) part.focus({ preventScroll: true })
  if (!target) return
  if (text && target.value !== text.value) target.value = text.value
  target.focus({ preventScroll: true })
  if (text && text.start != null && target.setSelectionRange) target.setSelectionRange(text.start, text.start)
}
