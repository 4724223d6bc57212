// The tree of files: folding, the selected row, and the keyboard.
import { isShown, outerOf, toggle } from '../editor/folding.js'

export class Tree {
  constructor(root, draft) {
    this.list = root.querySelector('#project-tree')
    this.selected = root.dataset.selected
    this.list.addEventListener('click', event => this.#clicked(event))
    this.list.addEventListener('keydown', event => this.#pressed(event))
    draft.addEventListener('changed', () => this.select(this.selected))
  }

  row(path) {
    return path ? this.list.querySelector(`[data-path="${CSS.escape(path)}"]`) : null
  }

  tagOf(path) {
    return this.row(path)?.dataset.tag ?? ''
  }

  // The folder of the selected row, with a slash at its end, or nothing.
  folder() {
    return this.selected.slice(0, this.selected.lastIndexOf('/') + 1)
  }

  select(path) {
    const row = this.row(path)
    if (!row) return
    this.selected = path
    for (const each of this.#rows()) {
      each.setAttribute('aria-selected', String(each === row))
      each.tabIndex = each === row ? 0 : -1
    }
  }

  reveal(path) {
    for (let outer = this.row(path); outer; outer = outerOf(outer)) {
      if (outer !== this.row(path)) toggle(outer, true)
    }
  }

  focus() {
    this.list.querySelector('[tabindex="0"]')?.focus()
  }

  #rows() {
    return [...this.list.querySelectorAll('[role=treeitem]')]
  }

  #clicked(event) {
    const row = event.target.closest('[role=treeitem]')
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    this.#activate(row)
  }

  #activate(row) {
    this.select(row.dataset.path)
    if (row.hasAttribute('aria-expanded')) toggle(row)
    else
      this.list.dispatchEvent(new CustomEvent('awaitstep:open-file', { bubbles: true, detail: row.dataset }))
  }

  #pressed(event) {
    const row = event.target.closest('[role=treeitem]')
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return
    const act = this.#keys(row)[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }

  #keys(row) {
    const shown = this.#rows().filter(isShown)
    const at = shown.indexOf(row)
    const isOpen = row.getAttribute('aria-expanded') === 'true'
    const ask = action =>
      row.dispatchEvent(new CustomEvent('awaitstep:file-action', { bubbles: true, detail: action }))
    return {
      ArrowDown: () => this.#go(shown[at + 1]),
      ArrowUp: () => this.#go(shown[at - 1]),
      Home: () => this.#go(shown[0]),
      End: () => this.#go(shown.at(-1)),
      ArrowRight: () => (isOpen ? this.#go(shown[at + 1]) : toggle(row, true)),
      ArrowLeft: () => (isOpen ? toggle(row, false) : this.#go(outerOf(row))),
      Enter: () => this.#activate(row),
      ' ': () => this.#activate(row),
      F2: () => ask('move'),
      Delete: () => ask('delete'),
    }
  }

  #go(row) {
    if (!row) return
    this.select(row.dataset.path)
    row.focus()
  }
}
