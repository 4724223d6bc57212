// Completion of {{ references }} in text inputs, from the names in scope that the form contains as JSON, and from the outputs
// of the last test run.
const WRITTEN = /\{\{\s*([\w$-]*(?:\.[\w$-]*)*)$/
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/
const MAX_SHOWN = 12
const MAX_PREVIEW = 60 // characters

export class References {
  #input = null
  #active = 0

  constructor(root, draft) {
    this.draft = draft
    const panel = root.querySelector('#editor-panel')
    this.list = root.querySelector('#editor-references')
    panel.addEventListener('input', event => this.#typed(event.target))
    panel.addEventListener('focusout', () => this.#close())
    // Runs before the key handlers of the form and the page.
    panel.addEventListener('keydown', event => this.#onKey(event), { capture: true })
    panel.addEventListener('scroll', () => this.#close())
    this.list.addEventListener('pointerdown', event => {
      event.preventDefault() // the input keeps the focus
      const option = event.target.closest('[role=option]')
      if (option) this.#choose(option)
    })
  }

  #typed(input) {
    if (!input.matches('input[data-references], textarea[data-references]:not([data-code-field])')) return
    const written = WRITTEN.exec(input.value.slice(0, input.selectionStart))
    const found = written ? this.#namesFor(input, written[1]) : []
    if (!found.length) return this.#close()
    this.#show(input, found.slice(0, MAX_SHOWN))
  }

  // The names that start with what is written, or the keys of the output that is written before the last dot.
  #namesFor(input, written) {
    const names = namesFor(input)
    const [root, ...path] = written.split('.')
    const { outputs } = this.draft
    if (!path.length) {
      const found = names.filter(({ name }) => name.startsWith(root))
      return found.map(each => ({ ...each, value: outputs[each.name] }))
    }
    const last = path.pop()
    const isInScope = names.some(({ name }) => name === root)
    const value = path.reduce((outer, key) => outer?.[key], isInScope ? outputs[root] : undefined)
    if (typeof value !== 'object' || Array.isArray(value)) return []
    const before = written.slice(0, written.length - last.length)
    return Object.entries(value ?? {})
      .filter(([key]) => key.startsWith(last) && IDENTIFIER.test(key))
      .map(([key, inner]) => ({ name: before + key, title: '', value: inner }))
  }

  #show(input, names) {
    this.#input = input
    this.list.replaceChildren(...names.map(optionFor))
    this.list.hidden = false
    const { left, top, bottom } = input.getBoundingClientRect()
    const { offsetWidth, offsetHeight } = this.list
    const isBelow = bottom + offsetHeight < innerHeight
    this.list.style.setProperty('left', `${Math.max(Math.min(left, innerWidth - offsetWidth - 8), 8)}px`)
    this.list.style.setProperty('top', `${isBelow ? bottom : top - offsetHeight}px`)
    const combobox = { 'aria-controls': this.list.id, 'aria-expanded': true, 'aria-autocomplete': 'list' }
    input.setAttribute('role', 'combobox')
    for (const [name, value] of Object.entries(combobox)) input.setAttribute(name, value)
    this.#activate(0)
  }

  #activate(index) {
    const options = [...this.list.children]
    this.#active = (index + options.length) % options.length
    for (const [at, option] of options.entries()) {
      option.setAttribute('aria-selected', String(at === this.#active))
    }
    this.#input.setAttribute('aria-activedescendant', options[this.#active].id)
    options[this.#active].scrollIntoView({ block: 'nearest' })
  }

  #onKey(event) {
    if (this.list.hidden || event.target !== this.#input) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) this.#activate(this.#active + step)
    else if (event.key === 'Enter' || event.key === 'Tab') this.#choose(this.list.children[this.#active])
    else if (event.key === 'Escape') this.#close()
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #choose({ dataset: { name } }) {
    const input = this.#input
    const before = input.value.slice(0, input.selectionStart).replace(WRITTEN, `{{ ${name}`)
    const after = input.value.slice(input.selectionStart)
    const end = /^\s*\}\}/.test(after) ? '' : ' }}'
    input.value = before + end + after
    input.setSelectionRange(before.length, before.length) // where a part such as ".total" can be added
    this.#close()
    input.dispatchEvent(new Event('input', { bubbles: true }))
  }

  #close() {
    this.list.hidden = true
    for (const name of [
      'role',
      'aria-controls',
      'aria-expanded',
      'aria-autocomplete',
      'aria-activedescendant',
    ]) {
      this.#input?.removeAttribute(name)
    }
    this.#input = null
  }
}

function namesFor(input) {
  const scope = document.getElementById(input.dataset.references)
  return scope ? JSON.parse(scope.textContent) : []
}

function optionFor({ name, title, value }, index) {
  const option = document.createElement('div')
  option.id = `editor-reference-${index}`
  option.dataset.name = name
  option.className = 'reference-option'
  option.setAttribute('role', 'option')
  const [code, about] = ['code', 'span'].map(tag => document.createElement(tag))
  code.textContent = name
  about.textContent = title
  about.className = 'quiet'
  option.append(code, ' ', about)
  if (value !== undefined) option.append(' ', previewOf(value))
  return option
}

// The value in the last test run.
function previewOf(value) {
  const preview = document.createElement('code')
  const text = JSON.stringify(value)
  preview.className = 'reference-preview'
  preview.textContent = text.length > MAX_PREVIEW ? `${text.slice(0, MAX_PREVIEW)}…` : text
  return preview
}
