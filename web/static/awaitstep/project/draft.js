import { showUnsaved } from '../editor/deploy_button.js'
import { showParts } from '../editor/parts.js'
import { canOutlivePage, FORBIDDEN, isJson, newRequestId, Sender } from '../editor/sender.js'
import { announce, showMessage } from '../notices.js'

const POLL_INTERVAL = 3000

// The files on the server. Changes are sent one after another; each names the tag of what it replaces.
export class ProjectDraft extends EventTarget {
  #queue = Promise.resolve()
  #waiting = new Set()
  #isLeaving = false
  #sender

  constructor(root) {
    super()
    this.root = root
    this.#sender = new Sender(root)
    this.url = root.dataset.url
    this.filesUrl = root.dataset.filesUrl
    this.revision = Number(root.dataset.revision)
    this.mayChange = root.hasAttribute('data-may-change')
    if (this.mayChange) {
      addEventListener('beforeunload', event => this.#leaving(event))
      addEventListener('pagehide', () => this.#leave())
      document.addEventListener('visibilitychange', () => document.hidden && this.#leave())
      addEventListener('submit', event => this.#submitLater(event))
    }
    showUnsaved(root)
    setInterval(() => document.hidden || this.#waiting.size || this.refresh(), POLL_INTERVAL)
  }

  // Has everything sent that was typed.
  flush() {
    this.dispatchEvent(new Event('flush'))
  }

  #leave() {
    this.#isLeaving = true
    this.flush()
    this.#isLeaving = false
  }

  #leaving(event) {
    this.#leave()
    if (this.#waiting.size) event.preventDefault()
  }

  // `makeFields` returns what is sent when it is its turn: an object, a form, or nothing.
  change(makeFields, onAnswer = () => {}) {
    return this.#enqueue(`${this.filesUrl}change/`, makeFields, onAnswer)
  }

  undo = () => this.#step('undo/')
  redo = () => this.#step('redo/')

  async #step(path) {
    this.flush()
    const answer = await this.#enqueue(this.url + path, () => ({}))
    if (answer?.summary) showMessage({ text: answer.summary, level: 'info' })
    return answer
  }

  async fetchFile(path) {
    const query = new URLSearchParams({ path })
    const headers = { Accept: 'application/json' }
    const response = await fetch(`${this.filesUrl}?${query}`, { headers }).catch(() => null)
    return response?.ok && isJson(response) ? response.json() : null
  }

  // Shows the changes by others.
  async refresh() {
    const query = new URLSearchParams({ revision: this.revision, user: this.root.dataset.user })
    const response = await fetch(`${this.url}?${query}`).catch(() => null)
    if (!response || response.status === 204 || !isJson(response)) return
    const answer = await response.json()
    this.#sender.showOtherUser(answer)
    if (!response.ok || answer.revision < this.revision) return
    const isOthers = answer.revision !== this.revision
    this.#show(answer)
    if (isOthers && answer.by) announce(`Changed by ${answer.by}`)
  }

  #enqueue(url, makeFields, onAnswer = () => {}) {
    const change = { url, makeFields, onAnswer, id: newRequestId(), outlivesPage: this.#isLeaving }
    this.#waiting.add(change)
    this.#showSaving()
    const result = this.#queue.then(() => this.#send(change))
    this.#queue = result
      .catch(() => {})
      .finally(() => {
        this.#waiting.delete(change)
        this.#showSaving()
      })
    return result
  }

  async #send({ url, makeFields, onAnswer, id, outlivesPage }) {
    const fields = makeFields()
    if (!fields) return null
    const body = bodyOf(fields, { id, user: this.root.dataset.user })
    let attempts = 0
    const makeBody = () => {
      attempts++
      return body
    }
    const mayOutlive = each => outlivesPage && canOutlivePage(each)
    const sent = await this.#sender.post(url, makeBody, { outlivesPage: mayOutlive })
    const answer = sent ? { ...sent.answer, status: sent.response.status } : { ...FORBIDDEN }
    answer.isRepeated = attempts > 1
    const isDone = sent?.response.ok
    if (isDone) this.#show(answer, () => onAnswer(answer, fields))
    else await onAnswer(answer, fields)
    if (!isDone && answer.status !== 403) await this.refresh()
    return answer
  }

  #show(answer, before = () => {}) {
    this.revision = answer.revision
    showParts(answer.parts)
    showUnsaved(this.root)
    before()
    this.dispatchEvent(new CustomEvent('changed', { detail: answer }))
  }

  // A form that is submitted while changes are being sent, such as "Deploy", waits for them.
  async #submitLater(event) {
    if (event.defaultPrevented || event.target.method !== 'post') return
    this.flush()
    if (!this.#waiting.size) return
    event.preventDefault()
    const { submitter } = event
    while (this.#waiting.size) await this.#queue
    if (this.root.hasAttribute('data-refused')) return
    const button = submitter?.id ? document.getElementById(submitter.id) : submitter
    if (button?.isConnected) button.click()
  }

  #showSaving() {
    this.root.toggleAttribute('data-saving', this.#waiting.size > 0)
  }
}

function bodyOf(fields, more) {
  if (!(fields instanceof FormData)) return JSON.stringify({ ...fields, ...more })
  for (const [name, value] of Object.entries(more)) fields.set(name, value)
  return fields
}
