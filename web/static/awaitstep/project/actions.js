// The forms above the tree: new file, upload, rename and delete, for the selected file or folder.
export class FileActions {
  constructor(root, draft, tree, tabs) {
    Object.assign(this, { root, draft, tree, tabs })
    for (const action of this.#all()) {
      action.addEventListener('toggle', () => action.open && this.#opened(action))
      action.addEventListener('submit', event => this.#submitted(event, action))
      action.addEventListener('keydown', event => event.key === 'Escape' && this.#close(action))
    }
    root.addEventListener('awaitstep:file-action', ({ detail }) => this.#open(detail))
    root.addEventListener('submit', event => this.#replaced(event))
    document.addEventListener('pointerdown', event => this.#clickedOutside(event))
  }

  #all() {
    return [...this.root.querySelectorAll('[data-file-action]')]
  }

  #open(name) {
    const action = this.root.querySelector(`[data-file-action="${name}"]`)
    if (action) action.open = true
  }

  #close(action, focused = action.querySelector('summary')) {
    action.open = false
    focused?.focus()
  }

  #clickedOutside({ target }) {
    for (const action of this.#all()) if (!action.contains(target)) action.open = false
  }

  #opened(action) {
    for (const other of this.#all()) if (other !== action) other.open = false
    const { selected } = this.tree
    this.#showError(action, '')
    for (const element of action.querySelectorAll('[data-selected-path]')) element.value = selected
    for (const element of action.querySelectorAll('[data-selected-name]')) element.textContent = selected
    const first = action.querySelector('input:not([type=hidden]), button')
    this.#fill(action, selected)
    first.focus()
  }

  #fill(action, selected) {
    const { add, move, upload } = {
      add: action.querySelector('#new-file-path'),
      move: action.querySelector('#new-path'),
      upload: action.querySelector('#upload-folder'),
    }
    if (add) add.value = this.tree.folder()
    if (upload) upload.value = this.tree.folder()
    if (!move) return
    move.value = selected.replace(/\/$/, '')
    const name = move.value.lastIndexOf('/') + 1
    const dot = move.value.indexOf('.', name + 1)
    setTimeout(() => move.setSelectionRange(name, dot < 0 ? move.value.length : dot))
  }

  async #submitted(event, action) {
    event.preventDefault()
    this.draft.flush()
    const form = event.target
    const answer = await this.draft.change(() => {
      const fields = new FormData(form)
      if (fields.has('base')) fields.set('base', this.tree.tagOf(String(fields.get('path'))))
      return fields
    })
    if (answer.status !== 200) {
      this.#showError(action, answer.error)
      return
    }
    form.reset()
    this.#close(action)
    if (answer.opened) this.tabs.open(answer.opened)
    else if (action.dataset.fileAction === 'delete') this.tree.focus()
  }

  async #replaced(event) {
    const form = event.target.closest('[data-replace-file]')
    if (!form) return
    event.preventDefault()
    const answer = await this.draft.change(() => new FormData(form))
    if (answer.status !== 200) this.#showError(form, answer.error)
  }

  #showError(owner, text) {
    const form = owner.matches('form') ? owner : owner.querySelector('form')
    let error = form.querySelector('[data-error]')
    if (!error && !text) return
    if (!error) {
      error = document.createElement('p')
      error.className = 'tone-bad'
      error.dataset.error = ''
      error.setAttribute('role', 'alert')
      form.append(error)
    }
    error.textContent = text
  }
}
