import { announce, showMessage } from '../notices.js'
import { showUnsaved } from './deploy_button.js'
import { withNewIds } from './new_ids.js'
import { showParts } from './parts.js'
import { fetchFor } from './requests.js'
import { canOutlivePage, FORBIDDEN, isJson, newRequestId, Sender } from './sender.js'

const POLL_INTERVAL = 3000

// The draft on the server. Operations are sent one after another, each with the newest known revision.
export class Draft extends EventTarget {
  #queue = Promise.resolve()
  #waiting = new Set()
  #picture = null
  #formOf = null // the node whose form is shown
  #isLeaving = false
  #sender
  isTyping = () => false
  testRun = null // whose states the picture shows
  outputs = {} // of the nodes in the last test run

  constructor(root) {
    super()
    this.root = root
    this.#sender = new Sender(root)
    this.url = root.dataset.url
    this.revision = Number(root.dataset.revision)
    if (root.hasAttribute('data-may-change')) {
      addEventListener('beforeunload', event => this.#leaving(event))
      addEventListener('pagehide', () => this.#flush())
      document.addEventListener('visibilitychange', () => document.hidden && this.#flush())
      addEventListener('submit', event => this.#submitLater(event))
    }
    root.addEventListener('awaitstep:folded', () => this.#folded())
    showUnsaved(this.root)
    setInterval(() => document.hidden || this.#isBusy() || this.refresh(), POLL_INTERVAL)
  }

  #isBusy = () => this.#waiting.size > 0 || this.isTyping()

  // Sends what has been typed immediately. The request is completed even if the page is closed.
  #flush() {
    this.#isLeaving = true
    this.dispatchEvent(new Event('flush'))
    this.#isLeaving = false
  }

  #leaving(event) {
    this.#flush()
    if (this.#waiting.size) event.preventDefault()
  }

  // Sends what has been typed, and returns whether the server has saved everything.
  async settled() {
    this.dispatchEvent(new Event('flush'))
    while (this.#waiting.size) await this.#queue
    return !this.root.hasAttribute('data-refused')
  }

  perform(operation) {
    return this.#enqueue('change/', { operation })
  }

  undo = () => this.#enqueue('undo/', {})
  redo = () => this.#enqueue('redo/', {})

  // Fetches the changes by others, and returns whether they are shown.
  async refresh({ always = false, part = '' } = {}) {
    const node = this.selected ?? ''
    const query = { node, user: this.root.dataset.user }
    always ||= this.#formOf !== null && this.#formOf !== node // an earlier request for this form failed
    if (!always) query.revision = this.revision
    if (part) query.part = part
    if (this.testRun) query.test_run = this.testRun
    const folded = this.folded()
    const response = await fetchFor('folded', part === 'panel' ? [] : folded, this.url, query)
    const isUnchanged = response?.status === 204
    if (!response || !(isUnchanged || isJson(response))) return
    const answer = isUnchanged ? {} : await response.json()
    this.#sender.showOtherUser(answer)
    if (response.status !== 200) return
    const isOutdated =
      answer.revision < this.revision || node !== (this.selected ?? '') || (!always && this.isTyping())
    if (isOutdated) return
    const isOthers = answer.revision !== this.revision
    if (part && isOthers) return this.refresh({ always: true }) // the other parts are outdated too
    this.#show(answer, folded)
    if (isOthers && answer.by) announce(`Changed by ${answer.by}`)
    return true
  }

  // Shows the form of another item. Until it has arrived, nothing can be typed into the form of the previous one.
  async selectForm(node) {
    this.#formOf ??= this.selected
    this.selected = node
    const panel = this.root.querySelector('#editor-panel')
    panel.setAttribute('aria-busy', 'true')
    panel.inert = !panel.contains(document.activeElement)
    await this.refresh({ always: true, part: 'panel' })
  }

  #formShown() {
    this.#formOf = this.selected ?? ''
    const panel = this.root.querySelector('#editor-panel')
    panel.removeAttribute('aria-busy')
    panel.inert = false
  }

  // The containers that are folded in the outline, and so in the picture.
  folded() {
    const rows = this.root.querySelectorAll('#editor-outline [data-container][aria-expanded="false"]')
    return [...rows].map(row => row.dataset.node).sort()
  }

  // Items that are unfolded together only need one new picture.
  #folded() {
    this.#picture ??= Promise.resolve().then(() => {
      this.#picture = null
      return this.refresh({ always: true, part: 'picture' })
    })
  }

  #enqueue(path, body) {
    const change = { path, body, id: newRequestId(), selected: this.selected ?? '' }
    change.outlivesPage = this.#isLeaving
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

  // A form that is submitted while changes are being sent, such as "Deploy", waits for them.
  async #submitLater(event) {
    if (event.defaultPrevented || !this.#waiting.size || event.target.method !== 'post') return
    event.preventDefault()
    const { submitter } = event
    let isRefused = false
    this.addEventListener('refused', () => (isRefused = true), { once: true })
    while (this.#waiting.size) await this.#queue
    if (isRefused) return
    // The pressed button may have been replaced in the meantime.
    const button = submitter?.id ? document.getElementById(submitter.id) : submitter
    if (button?.isConnected) button.click()
  }

  // The server identifies a request by its id, so a request whose response was lost is not performed twice.
  async #send(change) {
    const query = this.testRun ? `?test_run=${this.testRun}` : ''
    const makeBody = () => {
      change.folded = this.folded()
      const { id, folded } = change
      const { user } = this.root.dataset
      return JSON.stringify({ ...change.body, id, user, folded, revision: this.revision })
    }
    const outlivesPage = body => change.outlivesPage && canOutlivePage(body)
    const sent = await this.#sender.post(this.url + change.path + query, makeBody, { outlivesPage })
    return sent ? this.#answered(sent.response, sent.answer, change) : this.#refused(FORBIDDEN, change)
  }

  async #answered(response, answer, change) {
    if (response.ok) {
      this.#rename(answer.renamed)
      if ((this.selected ?? '') !== change.selected) {
        // Another node was selected in the meantime: it stays selected.
        await this.refresh({ always: true })
      } else {
        this.selected = answer.selected
        this.#show(
          answer,
          change.folded.map(id => answer.renamed[id] ?? id),
        )
      }
      if (answer.summary) tell(answer.summary, change.path)
      return answer
    }
    await this.refresh({ always: response.status === 409 || Boolean(answer.node) })
    return this.#refused({ ...answer, status: response.status }, change)
  }

  #refused(answer, { body }) {
    this.dispatchEvent(new CustomEvent('refused', { detail: { ...answer, body } }))
    return null
  }

  // Waiting operations still have the previous ids of the nodes.
  #rename(renamed) {
    this.selected = renamed[this.selected] ?? this.selected
    this.#formOf = renamed[this.#formOf] ?? this.#formOf
    for (const change of this.#waiting) {
      change.selected = renamed[change.selected] ?? change.selected
      if (change.body.operation) change.body.operation = withNewIds(change.body.operation, renamed)
    }
  }

  #show(answer, folded) {
    this.revision = answer.revision
    showParts(answer.parts, answer.renamed)
    if ('editor-panel' in answer.parts) this.#formShown()
    // This picture does not show what was folded or unfolded in the meantime.
    const hasPicture = 'editor-picture' in answer.parts
    if (hasPicture && String(this.folded()) !== String(folded.sort())) this.#folded()
    showUnsaved(this.root)
    this.dispatchEvent(new CustomEvent('changed', { detail: answer }))
    this.dispatchEvent(new Event('shown'))
  }

  #showSaving() {
    this.root.toggleAttribute('data-saving', this.#waiting.size > 0)
  }
}

// An undo is shown, because it may change what the page does not show, such as a test.
function tell(summary, path) {
  if (path === 'change/') announce(summary)
  else showMessage({ text: summary, level: 'info' })
}
