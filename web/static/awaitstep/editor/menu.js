// The menu of a node, opened with the right button, the menu key or Shift+F10.
export class Menu {
  constructor(root, selection, actions) {
    this.selection = selection
    this.menu = root.querySelector('#editor-menu')
    if (!this.menu) return
    root.addEventListener('contextmenu', event => this.#open(event))
    this.menu.addEventListener('click', event => {
      const item = event.target.closest('[role=menuitem]')
      if (!item) return
      this.#close()
      actions[item.dataset.menuAction](item.dataset.argument)
    })
    this.menu.addEventListener('keydown', event => this.#onKey(event))
    addEventListener(
      'pointerdown',
      event => this.menu.contains(event.target) || this.#close({ restore: false }),
    )
  }

  async #open(event) {
    const target = event.target.closest('[data-node], [role=treeitem]')
    if (!target) return
    event.preventDefault()
    const id = target.dataset.node
    if (id && !this.selection.nodes().includes(id)) await this.selection.selectNode(id)
    const isContainer = this.selection.current()?.hasAttribute('data-container')
    for (const item of this.menu.querySelectorAll('[data-for]')) {
      item.hidden = item.dataset.for === 'container' && !isContainer
    }
    this.menu.hidden = false
    const box = target.getBoundingClientRect()
    const [x, y] = event.clientX ? [event.clientX, event.clientY] : [box.left + 24, box.bottom]
    this.menu.style.setProperty('left', `${Math.min(x, innerWidth - this.menu.offsetWidth - 8)}px`)
    this.menu.style.setProperty('top', `${Math.min(y, innerHeight - this.menu.offsetHeight - 8)}px`)
    this.#items()[0]?.focus()
  }

  #items() {
    return [...this.menu.querySelectorAll('[role=menuitem]')].filter(item => !item.closest('[hidden]'))
  }

  #close({ restore = true } = {}) {
    if (this.menu.hidden) return
    this.menu.hidden = true
    if (restore) this.selection.current()?.focus()
  }

  #onKey(event) {
    const items = this.#items()
    const index = items.indexOf(document.activeElement)
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) items[(index + step + items.length) % items.length]?.focus()
    else if (event.key === 'Escape' || event.key === 'Tab') this.#close()
    else return
    event.preventDefault()
  }
}
