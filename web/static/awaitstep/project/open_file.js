// One open file: its text is saved shortly after it was typed, and never over somebody else's change.
import { focusControl, goToLine } from '../editor/panel/field_problems.js'
import { announce, showMessage } from '../notices.js'
import { askInConflict } from './conflict.js'
import { merge, plain } from './merge.js'

const SAVE_DELAY = 1000

export class OpenFile {
  #timer = 0
  #isAsking = false

  constructor(element, { draft, tree }) {
    Object.assign(this, { draft, tree })
    this.show(element)
  }

  // Shows the HTML of the file, which may have another path than before.
  show(element) {
    this.element?.replaceWith(element)
    this.element = element
    this.path = element.dataset.file
    this.base = element.dataset.tag
    this.area = element.querySelector('textarea')
    this.saved = this.area?.value ?? ''
    this.state = element.querySelector('[data-saved]')
    this.area?.addEventListener('input', () => this.#typed())
    this.area?.addEventListener('change', () => this.save())
    element.querySelector('[data-write-file]')?.addEventListener('submit', event => {
      event.preventDefault()
      this.save()
    })
  }

  get isChanged() {
    return Boolean(this.area) && !this.area.readOnly && this.area.value !== this.saved
  }

  #typed() {
    clearTimeout(this.#timer)
    this.#showState()
    this.#timer = setTimeout(() => this.save(), SAVE_DELAY)
  }

  save() {
    clearTimeout(this.#timer)
    if (!this.isChanged || this.#isAsking) return
    return this.draft.change(
      () => this.#fields(),
      (answer, fields) => this.#answered(answer, fields),
    )
  }

  // When it is its turn, an earlier request may have saved the same text.
  #fields() {
    if (!this.isChanged || this.#isAsking) return null
    return { operation: 'write', path: this.path, text: this.area.value, base: this.base }
  }

  async #answered(answer, { text }) {
    const isSaved = answer.status === 200 && (!answer.isRepeated || (await this.#isStored(text)))
    if (isSaved) {
      this.base = this.tree.tagOf(this.path)
      this.saved = text
    } else if (answer.status === 409 || answer.status === 200) this.#ask(answer.error)
    else showMessage({ text: answer.error, level: 'error' })
    this.draft.root.toggleAttribute('data-refused', !isSaved)
    this.#showState(isSaved ? '' : 'Not saved')
  }

  // The answer to a request that was sent again shows the newest text, which may be somebody else's.
  async #isStored(text) {
    const stored = await this.draft.fetchFile(this.path)
    return typeof stored?.text === 'string' && plain(stored.text) === text
  }

  async #ask(reason) {
    this.#isAsking = true
    const theirs = await this.draft.fetchFile(this.path)
    const merged = theirs ? merge(this.saved, theirs.text, this.area.value) : null
    if (merged !== null) {
      this.#merged(theirs, merged)
      return
    }
    const choice = await askInConflict(reason ?? 'Someone else changed this file.', {
      theirs: theirs ? (theirs.text ?? 'This file is not text.') : 'This file was deleted.',
      mine: this.area.value,
    })
    this.#isAsking = false
    this.draft.root.removeAttribute('data-refused')
    this.base = theirs?.tag ?? ''
    if (choice === 'mine') this.save()
    else if (theirs) this.#take(theirs)
    else this.#giveUp()
  }

  // Both changed other lines, so nobody has to choose.
  #merged(theirs, text) {
    this.#isAsking = false
    this.draft.root.removeAttribute('data-refused')
    this.#take(theirs, text)
    announce('Merged with a change by someone else')
    this.save()
  }

  #giveUp() {
    this.saved = this.area.value
    this.element.dispatchEvent(new Event('awaitstep:file-gone', { bubbles: true }))
  }

  // Shows the text on the server, unless there is something to save.
  async sync() {
    const tag = this.tree.tagOf(this.path)
    if (!tag || tag === this.base || this.isChanged || this.#isAsking) return
    const stored = await this.draft.fetchFile(this.path)
    if (stored && !this.isChanged) this.#take(stored)
  }

  #take(stored, text = stored.text) {
    this.base = stored.tag
    if (stored.text === null || !this.area) {
      this.show(elementOf(stored.html))
      return
    }
    this.area.value = text
    this.saved = plain(stored.text)
    this.#showState()
    document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
  }

  #showState(text = '') {
    if (this.state) this.state.textContent = text || (this.isChanged ? 'Changed' : 'Saved')
    this.element.dispatchEvent(new Event('awaitstep:file-state', { bubbles: true }))
  }

  showProblems(problems) {
    if (!this.area) return
    this.area.dataset.problems = JSON.stringify(problems)
    this.area.dispatchEvent(new Event('awaitstep:problems'))
  }

  goTo(line, column) {
    if (!this.area) return
    this.element.scrollIntoView({ block: 'nearest' })
    focusControl(this.area)
    goToLine(this.area, line, column)
  }
}

export function elementOf(html) {
  const template = document.createElement('template')
  template.innerHTML = html.trim()
  return template.content.firstElementChild
}
