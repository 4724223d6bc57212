// Live logs: the server filters and masks the lines and sends them over a WebSocket.
const MAX_LINES = 2000

export class Logs {
  #root
  #list
  #socket = null
  #delay = 1000
  #paused = false
  #isLive = false // the server reads the logs of the Worker
  // Lines of this day show only their time.
  #openedOn = document.querySelector('meta[name="server-time"]').content.slice(0, 10)

  constructor(root) {
    this.#root = root
    this.#list = root.querySelector('[data-logs-lines]')
    const form = root.querySelector('form')
    form.addEventListener('submit', event => event.preventDefault())
    form.addEventListener('input', () => this.#sendFilter())
    root.querySelector('[data-logs-pause]').addEventListener('click', event => this.#pause(event.target))
    root.querySelector('[data-logs-clear]').addEventListener('click', () => this.#clear())
    root.querySelector('[data-logs-download]').addEventListener('click', () => this.#download())
    this.#connect()
  }

  #connect() {
    const url = new URL(this.#root.dataset.logs, location.href)
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#showState('connecting')
    const socket = (this.#socket = new WebSocket(url))
    socket.onopen = () => this.#sendFilter()
    socket.onmessage = event => this.#receive(JSON.parse(event.data))
    socket.onclose = event => this.#closed(event)
  }

  // A Worker that is not live and a missing permission are final; other errors may be temporary.
  #closed({ code }) {
    this.#isLive = false
    if (code === 4403 || code === 4404) return
    setTimeout(() => this.#connect(), this.#delay)
    this.#delay = Math.min(this.#delay * 2, 60000)
  }

  #sendFilter() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    const { level, text } = Object.fromEntries(new FormData(this.#root.querySelector('form')))
    this.#socket.send(JSON.stringify({ level, text, paused: this.#paused }))
  }

  #receive({ lines = [], lost = 0, error, live }) {
    if (error) return this.#showState(error)
    if (live) this.#isLive = true
    if (live) this.#showLiveOrPaused()
    this.#delay = 1000
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40
    if (lost)
      this.#add({
        level: 'event',
        text: `${lost} lines were lost because the page was paused or too slow.`,
        at: '',
      })
    for (const line of lines) this.#add(line)
    while (this.#list.children.length > MAX_LINES) this.#list.firstChild.remove()
    this.#root.querySelector('[data-logs-empty]').hidden = this.#list.children.length > 0
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight
  }

  #add({ at, level, text, outcome }) {
    const item = document.createElement('li')
    item.className = `log-line log-${level}`
    for (const [name, value] of [
      ['time', at.startsWith(this.#openedOn) ? at.slice(11, 23) : at.slice(0, 23).replace('T', ' ')],
      ['b', level],
      ['span', outcome ? `${text} (${outcome})` : text],
    ]) {
      const part = document.createElement(name)
      part.textContent = value
      item.append(part, ' ')
    }
    this.#list.append(item)
  }

  #pause(button) {
    this.#paused = !this.#paused
    button.textContent = this.#paused ? 'Resume' : 'Pause'
    button.setAttribute('aria-pressed', this.#paused)
    this.#showLiveOrPaused()
    this.#sendFilter()
  }

  #showLiveOrPaused() {
    if (this.#isLive) this.#showState(this.#paused ? 'paused' : 'live')
  }

  #clear() {
    this.#list.replaceChildren()
    this.#root.querySelector('[data-logs-empty]').hidden = false
  }

  #download() {
    const text = [...this.#list.children].map(item => item.textContent).join('\n')
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    link.download = 'worker-logs.txt'
    link.click()
    URL.revokeObjectURL(link.href)
  }

  #showState(text) {
    this.#root.querySelector('[data-logs-state]').textContent = text
  }
}
