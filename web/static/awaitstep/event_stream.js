import { showConnection } from './notices.js'

// A browser opens at most six connections to a host for all tabs together. Four tabs can hold a stream.
// Other tabs poll every second until one of the four is closed or has been hidden for a minute.
const SLOTS = 4
const POLL_INTERVAL = 1000
const HIDDEN_LIMIT = 60000
const MAX_DELAY = 64000
const TYPES = ['message', 'result', 'stages', 'outage']

// Replaces EventSource in htmx's SSE extension and reconnects by itself.
export class EventStream extends EventTarget {
  readyState = EventSource.CONNECTING
  onopen = null
  onerror = null
  #url
  #source = null
  #release = null
  #timer = 0
  #hiddenTimer = 0
  #failures = 0

  constructor(url) {
    super()
    this.#url = new URL(url, location.href)
    document.addEventListener('visibilitychange', this.#checkVisibility)
    this.#checkVisibility()
    this.#connect()
  }

  close() {
    this.readyState = EventSource.CLOSED
    document.removeEventListener('visibilitychange', this.#checkVisibility)
    clearTimeout(this.#hiddenTimer)
    this.#disconnect()
  }

  #checkVisibility = () => {
    clearTimeout(this.#hiddenTimer)
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#disconnect(), HIDDEN_LIMIT)
    else if (!this.#source) this.#connect()
  }

  async #connect() {
    clearTimeout(this.#timer)
    const release = await acquireSlot()
    if (this.readyState === EventSource.CLOSED || this.#source) return release?.()
    if (!release) return this.#retryDelay(POLL_INTERVAL)
    this.#release = release
    const source = (this.#source = new EventSource(this.#url))
    source.onopen = () => this.#opened()
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#failed()
      else showConnection(false)
    }
    for (const type of TYPES) source.addEventListener(type, this.#forward)
  }

  #opened() {
    showConnection(true)
    this.#failures = 0
    this.readyState = EventSource.OPEN
    this.onopen?.(new Event('open'))
  }

  // The response was not a stream. The page's own request shows why: a login page, or the newest state.
  async #failed() {
    this.#disconnect()
    const delay = Math.min(MAX_DELAY, 500 * 2 ** this.#failures++)
    const pause = await this.#requestedPause()
    if (this.readyState === EventSource.CLOSED) return
    if (!pause) showConnection(false)
    this.#retryDelay((pause || delay) * (0.75 + Math.random() / 2))
  }

  // An EventSource does not show the status. If this user has too many streams, the page polls instead.
  async #requestedPause() {
    const aborting = new AbortController()
    try {
      const response = await fetch(this.#url, { signal: aborting.signal })
      return response.status === 429 ? 1000 * response.headers.get('retry-after') : 0
    } catch {
      return 0
    } finally {
      aborting.abort()
    }
  }

  #retryDelay(delay) {
    if (document.querySelector('[data-final]')) return this.close()
    this.dispatchEvent(new MessageEvent('message'))
    this.#timer = setTimeout(() => this.#connect(), delay)
  }

  #forward = event => {
    const { type, data, lastEventId } = event
    if (lastEventId && this.#url.searchParams.has('lastEventId')) {
      this.#url.searchParams.set('lastEventId', lastEventId)
    }
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId }))
  }

  #disconnect() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
    this.#release?.()
    this.#release = null
  }
}

// Resolves to the function that releases the slot, or to null if other tabs hold all of them.
// Browsers have no locks on pages served over plain HTTP by another host, so there is no limit then.
async function acquireSlot() {
  if (!navigator.locks) return () => {}
  for (let number = 0; number < SLOTS; number++) {
    const release = await acquireLock(`awaitstep-stream-${number}`)
    if (release) return release
  }
  return null
}

function acquireLock(name) {
  return new Promise(resolve => {
    navigator.locks.request(name, { ifAvailable: true }, lock => {
      if (lock) return new Promise(resolve)
      resolve(null)
    })
  })
}
