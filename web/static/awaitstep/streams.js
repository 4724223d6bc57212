import { tellConnection } from './notices.js'
import { reach } from './parts.js'

// A browser opens six connections to a host, shared by all tabs: four tabs may hold a stream, any
// further one asks every second until one of the four closes or has been hidden for a minute.
const SLOTS = 4
const ASK_EVERY = 1000
const HIDDEN_FOR = 60000
const LONGEST_WAIT = 64000

// Stands in for EventSource in htmx's extension, which never sees it close on its own.
export class Stream extends EventTarget {
  readyState = EventSource.CONNECTING
  onopen = null
  onerror = null
  #url
  #source = null
  #giveBack = null
  #timer = 0
  #hidden = 0
  #failures = 0

  constructor(url) {
    super()
    this.#url = new URL(url, location.href)
    document.addEventListener('visibilitychange', this.#look)
    this.#look()
    this.#connect()
  }

  close() {
    this.readyState = EventSource.CLOSED
    document.removeEventListener('visibilitychange', this.#look)
    clearTimeout(this.#hidden)
    this.#hangUp()
  }

  #look = () => {
    clearTimeout(this.#hidden)
    if (document.hidden) this.#hidden = setTimeout(() => this.#hangUp(), HIDDEN_FOR)
    else if (!this.#source) this.#connect()
  }

  async #connect() {
    clearTimeout(this.#timer)
    const giveBack = await slot()
    if (this.readyState === EventSource.CLOSED || this.#source) return giveBack?.()
    if (!giveBack) return this.#ask(ASK_EVERY)
    this.#giveBack = giveBack
    const source = (this.#source = new EventSource(this.#url))
    source.onopen = () => this.#opened()
    source.onerror = () => {
      tellConnection(false)
      if (source.readyState === EventSource.CLOSED) this.#failed()
    }
    for (const type of ['message', 'result']) source.addEventListener(type, this.#pass)
  }

  #opened() {
    tellConnection(true)
    this.#failures = 0
    this.readyState = EventSource.OPEN
    this.onopen?.(new Event('open'))
  }

  // The answer was no stream. The page's own request shows why: a login page, or the newest state.
  #failed() {
    this.#hangUp()
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** this.#failures++)
    this.#ask(wait * (0.75 + Math.random() / 2))
  }

  #ask(wait) {
    if (document.querySelector('[data-final]')) return this.close()
    this.dispatchEvent(new MessageEvent('message'))
    this.#timer = setTimeout(() => this.#connect(), wait)
  }

  #pass = event => {
    const { type, data, lastEventId } = event
    if (lastEventId && this.#url.searchParams.has('lastEventId')) {
      this.#url.searchParams.set('lastEventId', lastEventId)
    }
    if (type === 'message') reach(data)
    this.dispatchEvent(new MessageEvent(type, { data, lastEventId }))
  }

  #hangUp() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
    this.#giveBack?.()
    this.#giveBack = null
  }
}

// Resolves to the function that gives the slot back, or to null while other tabs hold all of them.
// Browsers have no locks where the page came by plain HTTP from another host: no limit there.
async function slot() {
  if (!navigator.locks) return () => {}
  for (let number = 0; number < SLOTS; number++) {
    const giveBack = await hold(`awaitstep-stream-${number}`)
    if (giveBack) return giveBack
  }
  return null
}

function hold(name) {
  return new Promise(answer => {
    navigator.locks.request(name, { ifAvailable: true }, lock => {
      if (lock) return new Promise(answer)
      answer(null)
    })
  })
}
