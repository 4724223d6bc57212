import { outerOf, toggle } from './folding.js'

// The keys of the outline, as in any ARIA tree, and those of the whole editor.
export class Keyboard {
  constructor(root, selection, actions) {
    this.selection = selection
    this.actions = actions
    selection.outline.addEventListener('keydown', event => this.#inOutline(event))
    root.addEventListener('keydown', event => this.#anywhere(event))
    document.body.addEventListener('keydown', event => this.#nowhere(event))
    this.help = root.querySelector('#editor-keys')
  }

  // While the picture, or nothing, has the focus, keys act on the outline, which gets the focus.
  #nowhere(event) {
    const isPicture = event.target.id === 'editor-picture' && !event.key.startsWith('Arrow')
    const isCommand = event.ctrlKey || event.metaKey
    if ((event.target !== document.body && !isPicture) || !(isCommand || event.key in this.#keys)) return
    this.selection.current()?.focus({ preventScroll: true })
    this.#onKey(event)
    if (!event.defaultPrevented) this.#anywhere(event)
  }

  #inOutline(event) {
    if (this.actions.dragging.isLifted) return this.actions.dragging.onKey(event)
    if (event.target.getAttribute('role') === 'treeitem') this.#onKey(event)
  }

  #onKey(event) {
    const command = event.ctrlKey || event.metaKey
    const action = command ? this.#commands[event.key.toLowerCase()] : this.#keys[event.key]
    if (!action || (event.altKey && !command)) return
    event.preventDefault()
    event.stopPropagation()
    action(event)
  }

  #keys = {
    ArrowDown: event => this.#step(1, event),
    ArrowUp: event => this.#step(-1, event),
    ArrowRight: () => this.#inwards(),
    ArrowLeft: () => this.#outwards(),
    Home: () => this.selection.select(this.selection.items()[0]),
    End: () => this.selection.select(this.selection.items().at(-1)),
    Enter: () => this.actions.edit(),
    F2: () => this.actions.edit(),
    ' ': () => this.actions.lift(),
    a: () => this.actions.add(),
    d: () => this.actions.duplicate(),
    u: () => this.actions.unwrap(),
    Delete: () => this.actions.deleteSelected(),
    Backspace: () => this.actions.deleteSelected(),
    '?': () => this.help?.showModal(),
  }

  #commands = {
    c: () => this.actions.copy(),
    x: () => this.actions.cut(),
    v: () => this.actions.paste(),
    d: () => this.actions.duplicate(),
  }

  // Text fields have their own undo.
  #anywhere(event) {
    if (event.key === 'F1') return this.#document(event)
    if (!(event.ctrlKey || event.metaKey)) return
    const key = event.key.toLowerCase()
    const isText = event.target.closest('input, textarea, [contenteditable]')
    const action =
      key === 'k'
        ? this.actions.commands
        : isText
          ? null
          : key === 'y' || (key === 'z' && event.shiftKey)
            ? this.actions.redo
            : key === 'z'
              ? this.actions.undo
              : null
    if (!action) return
    event.preventDefault()
    action()
  }

  // Opens the documentation of the field with the focus, or of the selected node.
  #document(event) {
    const part = event.target.closest('.node-field') ?? document.getElementById('editor-panel')
    const link = part?.querySelector('.field-docs') ?? part?.querySelector('.panel-links [target]')
    if (!link) return
    event.preventDefault()
    link.click()
  }

  #step(by, event) {
    const items = this.selection.items()
    const next = items[items.indexOf(this.selection.current()) + by]
    this.selection.select(next, { extend: event.shiftKey })
  }

  #inwards() {
    const item = this.selection.current()
    if (item?.getAttribute('aria-expanded') === 'false') return toggle(item)
    this.selection.select(item?.nextElementSibling?.querySelector('[role=treeitem]'))
  }

  #outwards() {
    const item = this.selection.current()
    if (item?.getAttribute('aria-expanded') === 'true') return toggle(item)
    this.selection.select(item && outerOf(item))
  }
}
