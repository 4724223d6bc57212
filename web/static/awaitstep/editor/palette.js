import { announce } from '../notices.js'

const PAGES = '.workflow-nav a:not([aria-current]), #plan'

// A dialog with all node types, and optionally with the commands of the editor and the workflow's pages.
export class Palette {
  constructor(root, draft, selection) {
    this.draft = draft
    this.selection = selection
    this.dialog = root.querySelector('#editor-palette')
    this.search = this.dialog?.querySelector('input')
    if (this.dialog) this.#addPages()
    this.dialog?.addEventListener('click', event => this.#clicked(event))
    this.dialog?.addEventListener('keydown', event => this.#onKey(event))
    this.dialog?.addEventListener('pointerover', event => {
      const option = event.target.closest('[data-option]')
      if (option) this.#describe(option)
    })
    this.search?.addEventListener('input', () => this.#filter())
    root.addEventListener('click', event => {
      const button = event.target.closest('[data-add]')
      if (button) this.open(this.#slotOfButton(button))
    })
  }

  open(slot, { withCommands = null } = {}) {
    if (!this.dialog) return
    this.slot = slot
    this.commands = withCommands
    this.dialog.toggleAttribute('data-commands', Boolean(withCommands))
    this.search.value = ''
    this.search.placeholder = withCommands ? 'Find a node type or a command' : 'Find a node type'
    this.#filter()
    this.dialog.showModal()
    this.search.focus()
  }

  // The page's own links, which lead to what the user may see.
  #addPages() {
    const [group, command] = ['[data-pages]', '[data-option=command]'].map(each =>
      this.dialog.querySelector(each),
    )
    for (const [index, link] of [...document.querySelectorAll(PAGES)].entries()) {
      const option = command.cloneNode(true)
      Object.assign(option, { id: `page-${index}`, link })
      option.dataset.option = 'page'
      option.querySelector('.palette-name').textContent = `Go to ${link.textContent.trim()}`
      option.querySelector('kbd').remove()
      group.append(option)
    }
  }

  #slotOfButton(button) {
    const { after, owner, region } = button.closest('[role=treeitem]').dataset
    if (button.dataset.add === 'after') return { after }
    return owner ? { owner, region: Number(region) } : { owner: '' }
  }

  #options() {
    return [...this.dialog.querySelectorAll('[data-option]')].filter(option => !option.closest('[hidden]'))
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const option of this.dialog.querySelectorAll('[data-option]')) {
      const { option: kind, needs } = option.dataset
      const isOffered = kind === 'type' || (this.commands && (!needs || document.querySelector(needs)))
      option.hidden = !isOffered || rank(option, words) === 0
    }
    for (const group of this.dialog.querySelectorAll('[data-group]')) {
      group.hidden = ![...group.querySelectorAll('[data-option]')].some(option => !option.hidden)
    }
    const options = this.#options()
    const ranks = options.map(option => rank(option, words))
    this.#activate(options[ranks.indexOf(Math.max(...ranks))])
    this.dialog.querySelector('[data-none]').hidden = options.length > 0
  }

  #activate(option) {
    this.dialog.querySelector('[data-option][aria-selected=true]')?.setAttribute('aria-selected', 'false')
    option?.setAttribute('aria-selected', 'true')
    option?.scrollIntoView({ block: 'nearest' })
    this.#describe(option)
    if (option) this.search.setAttribute('aria-activedescendant', option.id)
    else this.search.removeAttribute('aria-activedescendant')
  }

  // Shows the purpose of the type, its settings and an example next to the list.
  #describe(option) {
    const shown = option?.getAttribute('aria-describedby')
    for (const about of this.dialog.querySelectorAll('[data-about]')) about.hidden = about.id !== shown
  }

  #onKey(event) {
    if (event.target.closest('.palette-about')) return
    const options = this.#options()
    const index = options.findIndex(option => option.getAttribute('aria-selected') === 'true')
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) this.#activate(options[(index + step + options.length) % options.length])
    else if (event.key === 'Enter') this.#choose(options[index])
    else if (event.key === 'Escape') this.dialog.close()
    else return
    event.preventDefault()
  }

  #clicked(event) {
    if (event.target === this.dialog) return this.dialog.close()
    const option = event.target.closest('[data-option]')
    if (option) this.#choose(option)
  }

  async #choose(option) {
    if (!option) return
    this.dialog.close()
    const { option: kind, value, argument } = option.dataset
    if (kind === 'page') return option.link.click()
    if (kind === 'command') return this.commands?.[value](argument)
    const answer = await this.draft.perform({ type: 'add', node_type: value, slot: this.slot })
    if (!answer) return announce('Nothing was added')
    this.selection.selectNode(answer.selected)
  }
}

// How well an option matches the typed words: its name counts most, then its other names.
function rank(option, words) {
  const name = option.querySelector('.palette-name').textContent
  const names = `${name} ${option.dataset.otherNames ?? ''}`
  const text = `${names} ${option.querySelector('.palette-summary')?.textContent ?? ''}`
  return [text, names, name].filter(each => words.every(word => hasWord(each, word))).length
}

function hasWord(text, word) {
  return ` ${text.toLowerCase()}`.includes(` ${word}`)
}
