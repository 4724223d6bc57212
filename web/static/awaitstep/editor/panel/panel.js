import { showMessage } from '../../notices.js'
import { defaultOf, inputsOf, showApplying } from './inputs.js'
import { Rows } from './rows.js'

const DELAY = 700
const MAX_DELAY = 5000 // someone who types without a pause loses at most this much

// The form of the selected item. Changes are saved automatically after a moment.
export class Panel {
  #timers = new Map()
  #refusals = new Map()

  constructor(root, draft, selection) {
    this.root = root
    this.draft = draft
    this.selection = selection
    this.panel = root.querySelector('#editor-panel')
    this.panel.addEventListener('input', event => this.#typed(event.target))
    this.panel.addEventListener('change', event => this.#changed(event.target))
    this.panel.addEventListener('change', () => showApplying(this.panel))
    new Rows(this.panel)
    root.addEventListener('submit', event => this.#submitted(event))
    draft.addEventListener('refused', ({ detail }) => this.#refused(detail))
    draft.addEventListener('shown', () => this.#shown())
    addEventListener('submit', event => this.#holdBack(event), { capture: true })
    draft.addEventListener('discarded', ({ detail }) => this.#discard(detail))
    draft.addEventListener('flush', () => this.#flush())
    draft.isTyping = () => this.#timers.size > 0
  }

  #typed(target) {
    const form = target.closest('[data-operation]')
    if (!form || form.hasAttribute('data-on-change') || !target.matches('input[type=text], textarea')) return
    const since = this.#timers.get(target)?.since ?? performance.now()
    const delay = Math.min(DELAY, Math.max(since + MAX_DELAY - performance.now(), 0))
    this.#stopTimer(target)
    this.#timers.set(target, { since, id: setTimeout(() => this.#changed(target), delay) })
  }

  #stopTimer(target) {
    clearTimeout(this.#timers.get(target)?.id)
    this.#timers.delete(target)
  }

  #flush() {
    for (const target of [...this.#timers.keys()]) this.#changed(target)
  }

  #changed(target) {
    this.#stopTimer(target)
    const form = target.closest('[data-operation]')
    if (form) this.#save(form, target)
  }

  #submitted(event) {
    const form = event.target.closest('[data-operation]')
    if (!form) return
    event.preventDefault()
    this.#save(form, form.querySelector('[name=value]'))
  }

  async #save(form, target) {
    const operation = JSON.parse(form.dataset.operation)
    const { argument } = form.dataset
    if (argument) {
      const value = form.querySelector('[name=value]').value
      if (form.dataset.saved === value) return
      form.dataset.saved = value
      operation[argument] = value
    } else if (form.hasAttribute('data-fields')) {
      const field = target?.closest('.node-field')
      if (!field) return
      operation.posted = inputsOf(field)
      const inputs = JSON.stringify(operation.posted)
      if (field.dataset.saved === inputs) return
      field.dataset.saved = inputs
    }
    await this.draft.perform(operation)
  }

  // Shows what is in the draft in place of what was typed.
  #discard({ node, posted = {}, ...operation }) {
    for (const input of this.panel.querySelectorAll('form[data-operation] [name]')) {
      const { form } = input
      const { argument } = form.dataset
      const isOfForm = argument ? input.name === 'value' && argument in operation : input.name in posted
      if (!isOfForm || JSON.parse(form.dataset.operation).node !== node) continue
      if (input.matches('[type=checkbox], [type=radio]')) input.checked = input.defaultChecked
      else input.value = defaultOf(input)
      delete (argument ? form : input.closest('.node-field')).dataset.saved
    }
    document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
    this.draft.refresh({ always: true, part: 'panel' })
  }

  // Shows the problem of an input next to it.
  #refused({ errors = {} }) {
    for (const [path, message] of Object.entries(errors)) {
      const field = this.panel.querySelector(`.node-field[data-field="${CSS.escape(path)}"]`)
      if (!field) {
        showMessage({ text: message, level: 'error' })
        continue
      }
      this.#refusals.set(field, { list: listFor(field, message), message, node: this.#nodeName() })
    }
    this.#markRefused()
  }

  #nodeName() {
    return this.panel.querySelector('#panel-name')?.value ?? 'Trigger'
  }

  // A refused input may have been corrected in the meantime, or removed along with its node's form.
  #shown() {
    for (const [field, { list, message, node }] of this.#refusals) {
      if (list.isConnected) continue
      this.#refusals.delete(field)
      if (!field.isConnected) showMessage({ text: `Not saved in “${node}”: ${message}`, level: 'error' })
    }
    this.#markRefused()
  }

  #markRefused() {
    this.root.toggleAttribute('data-refused', this.#refusals.size > 0)
  }

  // A version would contain the previous value of a refused input, unlike the form.
  #holdBack(event) {
    if (!this.#refusals.size || !event.submitter?.matches('#deploy, #save-version')) return
    event.preventDefault()
    const [[field, { message }]] = this.#refusals
    showMessage({ text: `Nothing was saved or deployed. ${message}`, level: 'error' })
    field.querySelector('[name]:not([type=hidden])')?.focus()
  }
}

function listFor(field, message) {
  field.querySelector('.field-problems')?.remove()
  const list = document.createElement('ul')
  list.className = 'field-problems'
  list.dataset.refused = ''
  list.setAttribute('role', 'alert')
  const item = document.createElement('li')
  item.className = 'tone-bad'
  item.textContent = message
  list.append(item)
  field.append(list)
  field.classList.add('has-errors')
  return list
}
