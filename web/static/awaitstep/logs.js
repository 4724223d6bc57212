// Live logs: lines come by a WebSocket, which filters and masks; the page keeps the newest of them.
const MOST_LINES = 2000

export class Logs {
  #root
  #list
  #socket = null
  #wait = 1000
  #paused = false

  constructor(root) {
    this.#root = root
    this.#list = root.querySelector('[data-logs-lines]')
    const form = root.querySelector('form')
    form.addEventListener('submit', event => event.preventDefault())
    form.addEventListener('input', () => this.#ask())
    root.querySelector('[data-logs-pause]').addEventListener('click', event => this.#pause(event.target))
    root.querySelector('[data-logs-clear]').addEventListener('click', () => this.#clear())
    root.querySelector('[data-logs-download]').addEventListener('click', () => this.#download())
    this.#connect()
  }

  #connect() {
    const url = new URL(this.#root.dataset.logs, location.href)
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    this.#say('connecting')
    const socket = (this.#socket = new WebSocket(url))
    socket.onopen = () => {
      this.#say('live')
      this.#ask()
    }
    socket.onmessage = event => this.#take(JSON.parse(event.data))
    socket.onclose = event => this.#closed(event)
  }

  // Nothing live and no right stay so; whatever else ended the stream may pass.
  #closed({ code }) {
    if (code === 4403 || code === 4404) return
    setTimeout(() => this.#connect(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, 60000)
  }

  #ask() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    const { level, text } = Object.fromEntries(new FormData(this.#root.querySelector('form')))
    this.#socket.send(JSON.stringify({ level, text, paused: this.#paused }))
  }

  #take({ lines = [], lost = 0, error }) {
    if (error) return this.#say(error)
    this.#wait = 1000
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 40
    if (lost) this.#add({ level: 'event', text: `${lost} lines were lost: the page was paused or too slow.`, at: '' })
    for (const line of lines) this.#add(line)
    while (this.#list.children.length > MOST_LINES) this.#list.firstChild.remove()
    this.#root.querySelector('[data-logs-empty]').hidden = this.#list.children.length > 0
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight
  }

  #add({ at, level, text, outcome }) {
    const item = document.createElement('li')
    item.className = `log-line log-${level}`
    for (const [name, value] of [['time', at.slice(11, 23)], ['b', level], ['span', outcome ? `${text} (${outcome})` : text]]) {
      const part = document.createElement(name)
      part.textContent = value
      item.append(part, ' ')
    }
    this.#list.append(item)
  }

  #pause(button) {
    this.#paused = !this.#paused
    button.textContent = this.#paused ? 'Go on' : 'Pause'
    button.setAttribute('aria-pressed', this.#paused)
    this.#say(this.#paused ? 'paused' : 'live')
    this.#ask()
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

  #say(text) {
    this.#root.querySelector('[data-logs-state]').textContent = text
  }
}
