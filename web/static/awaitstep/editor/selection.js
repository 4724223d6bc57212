import { announce } from '../notices.js'
import { isShown, outerOf, reveal, toggle } from './folding.js'

const MARGIN = 24 // px between the selected node and the edge of the picture

// The selection: a node, several nodes, an arm of a container, or the trigger.
export class Selection {
  #more = new Set()
  #found = null
  #unfolded = new Set() // the ids of the rows that the search has unfolded

  constructor(root, draft) {
    this.root = root
    this.draft = draft
    this.outline = root.querySelector('#editor-outline')
    draft.selected = this.current()?.dataset.node ?? ''
    draft.addEventListener('changed', ({ detail }) => this.#changed(detail))
    this.outline.addEventListener('click', event => this.#clicked(event))
    document.addEventListener('awaitstep:go-to-node', ({ detail }) => this.selectNode(detail.node))
    this.search = root.querySelector('#editor-search')
    this.search?.addEventListener('input', () => this.#find())
    this.search?.addEventListener('keydown', event => this.#searched(event))
    this.#mark()
  }

  // Shows only the nodes whose name, type, id or settings contain all words, and the items around them,
  // which are unfolded until the search is over.
  #find() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean)
    this.#found = null
    const items = [...this.outline.querySelectorAll('[role=treeitem]')]
    for (const item of items) item.parentElement.classList.toggle('is-hidden', words.length > 0)
    for (const item of words.length ? items : []) {
      const { node = '', text: content = '' } = item.dataset
      const haystack = `${node} ${content} ${item.getAttribute('aria-label')}`.toLowerCase()
      if (!words.every(word => haystack.includes(word))) continue
      this.#found ??= item
      item.parentElement.classList.remove('is-hidden')
      for (let outer = outerOf(item); outer; outer = outerOf(outer)) this.#open(outer)
    }
    if (!words.length) this.#foldAgain()
  }

  #open(item) {
    item.parentElement.classList.remove('is-hidden')
    if (item.getAttribute('aria-expanded') !== 'false') return
    this.#unfolded.add(item.id)
    toggle(item, true)
  }

  // What is inside and selected stays visible.
  #foldAgain() {
    const current = this.current()
    for (const id of this.#unfolded) {
      const item = document.getElementById(id)
      if (item && !item.nextElementSibling?.contains(current)) toggle(item, false)
    }
    this.#unfolded.clear()
  }

  // Enter and the down arrow select the first node that was found.
  #searched(event) {
    if (event.isComposing || !['Enter', 'ArrowDown'].includes(event.key)) return
    event.preventDefault()
    const items = this.items()
    if (items.length) this.select(this.#found ?? items[0])
    else announce('No node was found')
  }

  items() {
    return [...this.outline.querySelectorAll('[role=treeitem]')].filter(isShown)
  }

  current() {
    return this.outline.querySelector('[role=treeitem][tabindex="0"]')
  }

  nodes() {
    const node = this.current()?.dataset.node
    return node ? [...new Set([...this.#more, node])] : [...this.#more]
  }

  arm() {
    const { owner, region } = this.current()?.dataset ?? {}
    return owner ? { owner, region: Number(region) } : null
  }

  // The slot after the selection.
  slot() {
    return slotOf(this.current())
  }

  // Selects an item and shows its form.
  async select(item, { focus = true, extend = false } = {}) {
    if (!item) return
    if (!extend) this.#more.clear()
    else if (this.current()?.dataset.node) this.#more.add(this.current().dataset.node)
    if (extend && item.dataset.node) this.#more.add(item.dataset.node)
    for (const other of this.outline.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1
    item.tabIndex = 0
    reveal(item)
    if (focus) item.focus({ preventScroll: true })
    item.scrollIntoView({ block: 'nearest' })
    this.#mark()
    const node = item.dataset.node ?? item.dataset.owner ?? ''
    if (node === this.draft.selected) return
    remember(node)
    await this.draft.selectForm(node)
  }

  selectNode(id, options) {
    return this.select(id ? this.itemOf(id) : this.outline.querySelector('[data-trigger]'), options)
  }

  itemOf(id) {
    return this.outline.querySelector(`[data-node="${CSS.escape(id)}"]`)
  }

  // Folds or unfolds the container with this id.
  fold(id) {
    this.#fold(this.itemOf(id))
  }

  #clicked(event) {
    const item = event.target.closest('[role=treeitem]')
    if (!item || event.target.closest('button')) return
    if (event.target.closest('.outline-fold')) return this.#fold(item)
    this.select(item, { extend: event.shiftKey || event.ctrlKey || event.metaKey })
  }

  // A selected item must not disappear: the folded item is selected instead.
  #fold(item) {
    toggle(item)
    const current = this.current()
    if (current && !isShown(current)) this.select(item)
  }

  #changed({ selected, renamed = {} }) {
    const ids = new Map(Object.entries(renamed))
    this.#more = new Set([...this.#more].map(id => ids.get(id) ?? id).filter(id => this.itemOf(id)))
    remember(selected ?? '')
    if (this.search?.value) this.#find()
    this.#mark()
    // Do not scroll the page away from a form in which someone is typing.
    if (this.current()) scrollTo(this.outline, this.current())
  }

  #mark() {
    const nodes = new Set(this.nodes())
    for (const item of this.outline.querySelectorAll('[role=treeitem]')) {
      const isSelected = item.dataset.node ? nodes.has(item.dataset.node) : item.tabIndex === 0
      item.setAttribute('aria-selected', String(isSelected))
    }
    for (const box of this.root.querySelectorAll('#editor-picture [data-node]')) {
      box.classList.toggle('is-selected', nodes.has(box.dataset.node))
    }
    const frame = this.root.querySelector('#editor-picture')
    const box = frame.querySelector('.pic-node.is-selected') ?? frame.querySelector('.is-selected')
    if (box) scrollTo(frame, box)
  }
}

export function slotOf(item) {
  if (!item) return { owner: '' }
  const { after, owner, region } = item.dataset
  if (after) return { after }
  return owner ? { owner, region: Number(region) } : { owner: '' }
}

// Scrolls an element into view within its frame, without scrolling the page.
function scrollTo(frame, element) {
  const [outer, inner] = [frame.getBoundingClientRect(), element.getBoundingClientRect()]
  const by = (start, end, from, to) =>
    start < from ? start - from : end > to ? Math.min(end - to, start - from) : 0
  frame.scrollBy({
    left: by(inner.left, inner.right, outer.left + MARGIN, outer.right - MARGIN),
    top: by(inner.top, inner.bottom, outer.top + MARGIN, outer.bottom - MARGIN),
  })
}

function remember(node) {
  const url = new URL(location)
  if (node) url.searchParams.set('node', node)
  else url.searchParams.delete('node')
  history.replaceState(null, '', url)
}
