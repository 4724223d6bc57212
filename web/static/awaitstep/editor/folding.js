// Rows of the outline with others inside them. What is folded is remembered in this browser.
export class Folding {
  constructor(root, draft) {
    this.outline = root.querySelector('#editor-outline')
    this.key = `awaitstep-folded ${root.dataset.url}`
    this.#restore()
    root.addEventListener('awaitstep:folded', () => this.#remember())
    draft.addEventListener('changed', () => this.#remember()) // rows of renamed nodes have new ids
  }

  #restore() {
    for (const id of JSON.parse(localStorage.getItem(this.key) ?? '[]')) {
      const row = this.outline.querySelector(`#${CSS.escape(id)}`)
      if (row) toggle(row, false)
    }
    const selected = this.outline.querySelector('[role=treeitem][tabindex="0"]')
    if (selected) reveal(selected)
  }

  #remember() {
    const ids = [...this.outline.querySelectorAll('[aria-expanded=false]')].map(({ id }) => id)
    if (ids.length) localStorage.setItem(this.key, JSON.stringify(ids))
    else localStorage.removeItem(this.key)
  }
}

// Folds or unfolds an item; the picture follows.
export function toggle(item, isOpen = item.getAttribute('aria-expanded') === 'false') {
  const isChanged =
    item.hasAttribute('aria-expanded') && item.getAttribute('aria-expanded') !== String(isOpen)
  if (!isChanged) return
  item.setAttribute('aria-expanded', String(isOpen))
  item.dispatchEvent(new Event('awaitstep:folded', { bubbles: true }))
}

// The container or the arm around an item. Items are followed by the list of what is inside them.
export const outerOf = item =>
  item.parentElement.parentElement.closest('li')?.querySelector(':scope > [role=treeitem]')

export function isShown(item) {
  for (let outer = outerOf(item); outer; outer = outerOf(outer)) {
    if (outer.getAttribute('aria-expanded') === 'false') return false
  }
  return !item.parentElement.classList.contains('is-hidden')
}

// Unfolds what is around an item.
export function reveal(item) {
  for (let outer = outerOf(item); outer; outer = outerOf(outer)) toggle(outer, true)
}
