import { announce, showMessage } from '../notices.js'
import { fetchFor } from './requests.js'
import { slotOf } from './selection.js'

const THRESHOLD = 6 // px that the pointer moves before a press becomes a drag
const REACH = 48 // px around a mark in the picture
const EDGE = 32 // px at the edges of a scrolling area
const SPEED = 12 // px per frame

// Moves nodes to a slot, which is found by dragging with a pointer, or with the keyboard.
export class Dragging {
  isLifted = false
  #nodes = []
  #newType = ''
  #slots = []
  #at = -1
  #ghost = null
  #pointer = null
  #prepared = null

  constructor(root, draft, selection) {
    this.root = root
    this.draft = draft
    this.selection = selection
    if (root.hasAttribute('data-may-change')) {
      root.addEventListener('pointerdown', event => this.#pressed(event))
      draft.addEventListener('shown', () => this.#markAgain())
    }
  }

  // Picks up nodes with the keyboard; the arrow keys then go through the possible slots.
  async lift(nodes) {
    if (!nodes.length || !(await this.#prepare(nodes))) return
    this.isLifted = true
    this.root.dataset.lifted = ''
    const here = this.#slots.findIndex(slot => slot.after && slot.after === this.#before(nodes[0]))
    this.#show(Math.max(here, 0))
    announce(`Picked up. ${this.#slots.length} places. Arrow keys choose one, Space drops, Escape cancels.`)
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key]
    if (step) this.#show(Math.min(Math.max(this.#at + step, 0), this.#slots.length - 1), { speak: true })
    else if (event.key === ' ' || event.key === 'Enter') this.#drop(this.#slots[this.#at])
    else if (event.key === 'Escape') this.#cancel()
    else if (event.key !== 'Tab') return
    event.preventDefault()
    event.stopPropagation()
  }

  async #prepare(nodes) {
    this.#nodes = nodes
    const response = await fetchFor('node', nodes, `${this.draft.url}slots/`)
    const slots = response?.ok ? (await response.json()).slots : []
    if (this.#nodes !== nodes) return false // cancelled in the meantime
    this.#slots = slots
    if (!this.#slots.length) showMessage({ text: 'This cannot be moved anywhere.', level: 'error' })
    return this.#slots.length > 0
  }

  #before(node) {
    const items = this.selection.items()
    return items[items.indexOf(this.selection.itemOf(node)) - 1]?.dataset.after
  }

  #cancel() {
    announce('Move cancelled')
    this.#end()
  }

  #end() {
    this.isLifted = false
    this.#newType = ''
    this.#nodes = []
    this.#slots = []
    this.#ghost?.remove()
    this.#ghost = this.#pointer = null
    delete this.root.dataset.lifted
    delete this.root.dataset.dragging
    for (const marked of this.root.querySelectorAll('.is-legal, .is-target')) {
      marked.classList.remove('is-legal', 'is-target')
    }
  }

  async #drop(slot) {
    const nodes = this.#nodes
    const type = this.#newType
    this.#end()
    if (!slot) return
    const operation = type ? { type: 'add', node_type: type, slot } : { type: 'move', nodes, slot }
    const answer = await this.draft.perform(operation)
    if (answer) this.selection.selectNode(answer.selected)
  }

  #show(index, { speak = false } = {}) {
    this.#at = index
    this.#mark(this.#slots[index])
    this.#places(this.#slots[index])[0]?.scrollIntoView({ block: 'nearest' })
    if (speak) announce(`${this.#describe(this.#slots[index])}. ${index + 1} of ${this.#slots.length}`)
  }

  // New HTML, such as that of a change by someone else, has no marks.
  #markAgain() {
    if (this.#ghost) this.#markLegal()
    else if (this.isLifted) this.#mark(this.#slots[this.#at])
  }

  #markLegal() {
    for (const slot of this.#slots) for (const place of this.#places(slot)) place.classList.add('is-legal')
  }

  #mark(slot) {
    for (const marked of this.root.querySelectorAll('.is-target')) marked.classList.remove('is-target')
    for (const place of slot ? this.#places(slot) : []) place.classList.add('is-target')
  }

  // The row of the outline and the mark in the picture for a slot.
  #places(slot) {
    const place = slot.after
      ? `[data-after="${CSS.escape(slot.after)}"]`
      : `[data-owner="${CSS.escape(slot.owner)}"][data-region="${slot.region ?? 0}"]`
    return [...this.root.querySelectorAll(`[role=treeitem]${place}, .pic-slot${place}`)]
  }

  #describe(slot) {
    const label = this.#places(slot)[0]?.getAttribute('aria-label') ?? ''
    return slot.after ? `After ${label}` : slot.owner ? `At the start of ${label}` : 'At the start'
  }

  // Touch scrolls instead.
  #pressed(event) {
    const source = event.target.closest('[data-drag-type], .outline-row, .pic-node')
    if (!source || event.button || event.pointerType === 'touch') return
    if (this.#ghost || event.target.closest('button')) return
    const node = (source.closest('[data-node]') ?? source).dataset.node
    const { dragType = '' } = source.dataset
    if (!node && !dragType) return
    const stop = new AbortController()
    const listen = (type, listener) => addEventListener(type, listener, { signal: stop.signal })
    const moved = move => {
      const distance = Math.hypot(move.clientX - event.clientX, move.clientY - event.clientY)
      if (!this.#ghost && distance > THRESHOLD) this.#begin(source, node, dragType)
      if (this.#ghost) this.#moved(move)
    }
    listen('pointermove', moved)
    listen('pointerup', up => {
      stop.abort()
      moved(up) // a quick drag may have had no move before
      if (this.#ghost) this.#released(up)
    })
    listen('dragstart', drag => drag.preventDefault()) // the browser would drag selected text instead
    const cancel = () => {
      stop.abort()
      if (this.#ghost) this.#cancel()
    }
    listen('pointercancel', cancel)
    listen('keydown', key => key.key === 'Escape' && cancel())
  }

  // A drag may end before the server has returned the possible slots.
  async #released(pointer) {
    this.#pointer = null
    await this.#prepared
    const slot = this.#slotAt(pointer)
    if (!slot && this.#slots.length && this.#slotAt(pointer, ':not(.is-legal)')) this.#explain()
    this.#drop(slot)
  }

  #explain() {
    const name = this.#ghost.textContent
    const reason = 'a node would use an output or a loop variable where it is not available.'
    showMessage({ text: `“${name}” cannot be moved there: ${reason}`, level: 'error' })
  }

  #begin(source, node, type) {
    const selected = this.selection.nodes()
    const nodes = type ? [] : selected.includes(node) ? selected : [node]
    this.#newType = type
    this.#ghost = document.createElement('div')
    this.#ghost.className = 'editor-ghost'
    const name = source.querySelector('.outline-name, .palette-name, .pic-name')?.textContent ?? node
    this.#ghost.textContent = nodes.length > 1 ? `${nodes.length} nodes` : name
    this.root.append(this.#ghost)
    this.root.dataset.dragging = ''
    this.#scrollAtEdges()
    source.closest('dialog')?.close()
    getSelection()?.removeAllRanges()
    this.#prepared = this.#prepare(nodes).then(() => this.#ghost && this.#markLegal())
  }

  #moved(event) {
    this.#ghost.style.setProperty('left', `${event.clientX + 12}px`)
    this.#ghost.style.setProperty('top', `${event.clientY + 12}px`)
    this.#pointer = event
    this.#mark(this.#slotAt(event))
  }

  // Scrolls a pane for as long as the pointer is at one of its edges, even if it does not move.
  #scrollAtEdges() {
    if (!this.#ghost) return
    const pane = this.#pointer && under(this.#pointer)?.closest('.editor-outline, .picture-frame')
    if (pane) {
      const { left, right, top, bottom } = pane.getBoundingClientRect()
      const { scrollLeft, scrollTop } = pane
      const { clientX, clientY } = this.#pointer
      pane.scrollBy(speedAt(clientX, left, right), speedAt(clientY, top, bottom))
      const hasMoved = pane.scrollLeft !== scrollLeft || pane.scrollTop !== scrollTop
      if (hasMoved) this.#mark(this.#slotAt(this.#pointer))
    }
    requestAnimationFrame(() => this.#scrollAtEdges())
  }

  // The slot under the pointer: after a row of the outline, or at the nearest mark in the picture.
  #slotAt({ clientX, clientY }, kind = '.is-legal') {
    const element = under({ clientX, clientY })
    const row = element?.closest('.outline-row')
    if (row) return row.matches(kind) ? slotOf(row) : null
    if (!element?.closest('#editor-picture')) return null
    const distances = [...this.root.querySelectorAll(`.pic-slot${kind}`)].map(mark => {
      const { left, top, width, height } = mark.getBoundingClientRect()
      return [Math.hypot(left + width / 2 - clientX, top + height / 2 - clientY), mark]
    })
    const [distance, mark] = distances.sort(([one], [other]) => one - other)[0] ?? [Infinity]
    return distance <= REACH ? slotOf(mark) : null
  }
}

const under = ({ clientX, clientY }) => document.elementFromPoint(clientX, clientY)

const speedAt = (position, start, end) =>
  position < start + EDGE ? -SPEED : position > end - EDGE ? SPEED : 0
