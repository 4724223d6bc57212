import { announce, showMessage } from '../notices.js'
import { showParts } from './parts.js'
import { csrfToken } from './requests.js'

const POLL_INTERVAL = 3000
const RETRY_DELAY = 2000

// The draft on the server. Operations are sent one after another, each on the newest known revision.
export class Draft extends EventTarget {
  #queue = Promise.resolve()
  #waiting = 0

  constructor(root) {
    super()
    this.root = root
    this.url = root.dataset.url
    this.revision = Number(root.dataset.revision)
    if (root.hasAttribute('data-may-change')) {
      addEventListener('beforeunload', event => this.#waiting && event.preventDefault())
    }
    this.showUnsaved()
    setInterval(() => document.hidden || this.#waiting || this.refresh(), POLL_INTERVAL)
  }

  perform(operation) {
    return this.#enqueue('change/', { operation })
  }

  undo = () => this.#enqueue('undo/', {})
  redo = () => this.#enqueue('redo/', {})

  // Fetches what others have changed.
  async refresh({ always = false, part = '' } = {}) {
    const query = new URLSearchParams({ node: this.selected ?? '' })
    if (!always) query.set('revision', this.revision)
    if (part) query.set('part', part)
    const response = await fetch(`${this.url}?${query}`).catch(() => null)
    if (response?.status !== 200) return
    const answer = await response.json()
    const isOthers = answer.revision !== this.revision
    if (part && isOthers) return this.refresh({ always: true }) // the other parts are outdated too
    this.#show(answer)
    if (isOthers && answer.by) announce(`Changed by ${answer.by}`)
  }

  #enqueue(path, body) {
    this.#waiting++
    this.#showSaving()
    const result = this.#queue.then(() => this.#send(path, body))
    this.#queue = result
      .catch(() => {})
      .finally(() => {
        this.#waiting--
        this.#showSaving()
      })
    return result
  }

  // Sends until the server answers: nothing is lost while it cannot be reached.
  async #send(path, body) {
    for (;;) {
      const response = await fetch(this.url + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken() },
        body: JSON.stringify({ ...body, revision: this.revision }),
      }).catch(() => null)
      if (response && response.status < 500) return this.#answered(response, body)
      this.root.dataset.offline = ''
      await new Promise(resolve => setTimeout(resolve, RETRY_DELAY))
    }
  }

  async #answered(response, body) {
    delete this.root.dataset.offline
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json')
    if (!isJson) {
      showMessage({
        text: 'You were logged out. Log in again in another tab, then repeat the change.',
        level: 'error',
      })
      return null
    }
    const answer = await response.json()
    if (response.ok) {
      this.selected = answer.selected
      this.#show(answer)
      if (answer.summary) announce(answer.summary)
      return answer
    }
    this.dispatchEvent(new CustomEvent('refused', { detail: { ...answer, status: response.status, body } }))
    await this.refresh({ always: response.status === 409 })
    return null
  }

  #show(answer) {
    this.revision = answer.revision
    showParts(answer.parts)
    this.showUnsaved()
    this.dispatchEvent(new CustomEvent('changed', { detail: answer }))
    this.dispatchEvent(new Event('shown'))
  }

  // Deploy takes the newest version: its button says so while the draft differs from it.
  showUnsaved() {
    const isUnsaved = this.root.querySelector('[data-unsaved]') !== null
    for (const button of document.querySelectorAll('[data-when-unsaved]')) {
      button.dataset.whenSaved ??= button.textContent
      button.textContent = isUnsaved ? button.dataset.whenUnsaved : button.dataset.whenSaved
    }
  }

  #showSaving() {
    this.root.toggleAttribute('data-saving', this.#waiting > 0)
  }
}
