// Completion of {{ references }} in text inputs, from the names in scope that the form contains as JSON.
const WRITTEN = /\{\{\s*([\w$-]*)$/
const MAX_SHOWN = 12

export class References {
  #input = null
  #active = 0

  constructor(root) {
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
    const found = written ? namesFor(input).filter(({ name }) => name.startsWith(written[1])) : []
    if (!found.length) return this.#close()
    this.#show(input, found.slice(0, MAX_SHOWN))
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

function optionFor({ name, title }, index) {
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
  return option
}
