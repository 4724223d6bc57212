// Live pages, copy buttons and clocks. Every page works without this file; a reload then shows the state.
(() => {
  'use strict'

  // A browser opens six connections to a host, shared by all tabs: four tabs may hold a stream, any
  // further one asks every second until one of the four closes or has been hidden for a minute.
  const SLOTS = 4
  const ASK_EVERY = 1000
  const HIDDEN_FOR = 60000
  const LONGEST_WAIT = 64000

  // Stands in for EventSource in htmx's extension, which never sees it close on its own.
  class Stream extends EventTarget {
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

  // A stage stands in the list as soon as its event says so; the page's own part, which follows, has the rest.
  // Either may overtake the other under load: the list never goes back, and an end is never painted over.
  const ICONS = { done: 'check', current: 'ring' }
  let newest = ''

  function reach(data) {
    const { stage } = JSON.parse(data)
    const part = document.getElementById('stages')
    if (!part?.querySelector(`.step[data-stage="${CSS.escape(stage)}"]`)) return
    newest = stage
    mark(part)
    shown.set(part.id, said(part))
  }

  function mark(part) {
    const steps = [...part.querySelectorAll('.step[data-stage]')]
    const reached = steps.findIndex(step => step.dataset.stage === newest)
    if (reached <= steps.findLastIndex(step => !step.matches('.step-pending'))) return
    const ticks = part.querySelectorAll('.tick')
    for (let index = 0; index <= reached; index++) {
      const state = index < reached || reached === steps.length - 1 ? 'done' : 'current'
      steps[index].className = `step step-${state}`
      steps[index].querySelector('use')?.setAttribute('href', `#as-${ICONS[state]}`)
      if (ticks[index]) ticks[index].className = `tick tick-${state}`
    }
  }

  // Swaps only the parts of a page whose HTML has changed: focus, selection and a half-made click stay.
  // What only a clock has changed has not: the page counts on by itself.
  const shown = new Map()
  const COUNTED = /( data-elapsed)="[^"]*">[^<]*|( data-(?:ago|until))>[^<]*|( name="csrfmiddlewaretoken") value="[^"]*"/g

  const said = part => part.outerHTML.replace(COUNTED, '$1$2$3>')

  function remember() {
    for (const part of document.querySelectorAll('[data-part]')) shown.set(part.id, said(part))
  }

  function swapParts(style, target, fragment) {
    if (style !== 'parts') return false
    const fresh = [...fragment.querySelectorAll('[data-part]')].filter(
      part => document.getElementById(part.id) && shown.get(part.id) !== said(part)
    )
    for (const part of fresh) {
      mark(part)
      shown.set(part.id, said(part))
      const old = document.getElementById(part.id)
      const focused = old.contains(document.activeElement) ? document.activeElement.id : ''
      const places = [...old.querySelectorAll('[data-scrolled][id]')].map(({ id, scrollTop }) => [id, scrollTop])
      carry(old, part)
      old.replaceWith(part)
      for (const [id, top] of places) document.getElementById(id)?.scrollTo(0, top)
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
    }
    const news = fresh.find(part => part.dataset.announce)
    if (news) announce(news.dataset.announce)
    return fresh
  }

  // What somebody has typed, and what they have opened, outlives the part that it stands in.
  function carry(old, part) {
    for (const field of old.querySelectorAll('textarea[id], input[type=text][id]')) {
      const heir = part.querySelector(`#${CSS.escape(field.id)}`)
      if (heir && field.value !== field.defaultValue) heir.value = field.value
    }
    for (const details of old.querySelectorAll('details[id]')) {
      const heir = part.querySelector(`#${CSS.escape(details.id)}`)
      if (heir) heir.open = details.open
    }
  }

  // A fragment that cannot be loaded says so where it would stand.
  function tellFailure(event) {
    const { target } = event.detail
    if (!target?.dataset.failed) return
    const sentence = document.createElement('p')
    sentence.className = 'empty'
    sentence.textContent = target.dataset.failed
    target.replaceChildren(sentence)
  }

  function tellConnection(works) {
    const notice = document.getElementById('connection')
    if (notice) notice.hidden = works || document.querySelector('[data-final]') !== null
  }

  function announce(sentence) {
    const announcer = document.getElementById('announcer')
    if (announcer) announcer.textContent = sentence
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copyFrom)
    const text = source ? source.textContent : button.dataset.copy
    const done = await toClipboard(text)
    button.textContent = done ? 'Copied' : 'Press Ctrl+C'
    announce(done ? 'Copied' : 'The text is selected: copy it with Ctrl+C')
    setTimeout(() => (button.textContent = 'Copy'), 2000)
  }

  async function toClipboard(text) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      return copyBySelecting(text) // no clipboard on pages that came by plain HTTP
    }
  }

  function copyBySelecting(text) {
    const area = document.createElement('textarea')
    area.className = 'visually-hidden'
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }

  // Times count on from what the server said; the clocks of server and browser may differ.
  const counted = new WeakMap()
  const server = document.querySelector('meta[name="server-time"]')
  const ahead = server ? Date.parse(server.content) - Date.now() : 0

  function tick() {
    for (const element of document.querySelectorAll('[data-elapsed]')) {
      if (!counted.has(element)) counted.set(element, performance.now())
      const since = (performance.now() - counted.get(element)) / 1000
      show(element, elapsed(Number(element.dataset.elapsed) + since))
    }
    for (const element of document.querySelectorAll('time[data-ago]')) {
      show(element, ago((Date.now() + ahead - Date.parse(element.dateTime)) / 1000))
    }
    for (const element of document.querySelectorAll('time[data-until]')) {
      const left = (Date.parse(element.dateTime) - Date.now() - ahead) / 1000
      show(element, left > 0 ? `in ${elapsed(left)}` : 'now')
    }
  }

  function show(element, text) {
    if (element.textContent !== text) element.textContent = text
  }

  // The same words as deployments/presentation.py.
  function elapsed(time) {
    const seconds = Math.floor(time)
    const padded = number => String(number).padStart(2, '0')
    if (seconds < 60) return `${seconds} s`
    if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${padded(seconds % 60)} s`
    const minutes = Math.round(seconds / 60)
    return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} m`
  }

  function ago(seconds) {
    if (seconds < 45) return 'just now'
    if (seconds < 3600) return `${Math.max(Math.round(seconds / 60), 1)} min ago`
    if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`
    const days = Math.round(seconds / 86400)
    return days === 1 ? '1 day ago' : `${days} days ago`
  }

  // A link to a workflow's page may name a node (#node=charge): it is selected in the document.
  function selectNode() {
    const node = new URLSearchParams(location.hash.slice(1)).get('node')
    const area = document.getElementById('id_ir')
    if (!node || !area) return
    const at = area.value.search(new RegExp(`"id"\\s*:\\s*${escaped(JSON.stringify(node))}`))
    if (at < 0) return
    area.focus()
    area.setSelectionRange(at, area.value.indexOf('\n', at))
    const line = area.value.slice(0, at).split('\n').length
    area.scrollTop = (area.scrollHeight / area.value.split('\n').length) * Math.max(line - 4, 0)
  }

  // Pictures of workflows: zoomed by the size of the SVG, whose viewBox stays; the frame scrolls natively.
  const SMALLEST = 0.05
  const LARGEST = 2
  const views = new Map()

  function showPictures() {
    for (const picture of document.querySelectorAll('[data-picture]:not([data-shown])')) {
      picture.dataset.shown = ''
      const frame = picture.querySelector('.picture-frame')
      const view = views.get(picture.id)
      zoom(picture, view?.scale ?? Math.max(0.75, Math.min(1, (frame.clientWidth - 2) / natural(picture).width)))
      const current = view ? null : frame.querySelector('[data-current]')
      const middle = frame.getBoundingClientRect().top + frame.clientHeight / 2
      frame.scrollLeft = view?.left ?? (frame.scrollWidth - frame.clientWidth) / 2
      frame.scrollTop = view?.top ?? (current ? current.getBoundingClientRect().top - middle : 0)
      frame.addEventListener('scroll', () => keep(picture))
      frame.addEventListener('keydown', event => press(picture, event))
      frame.addEventListener('pointerdown', event => grab(frame, event))
      frame.addEventListener('wheel', event => turn(picture, event), { passive: false })
    }
  }

  const natural = picture => picture.querySelector('.pic').viewBox.baseVal
  const scaleOf = picture => picture.querySelector('.pic').width.baseVal.value / natural(picture).width

  function zoom(picture, wanted) {
    const { width, height } = natural(picture)
    const frame = picture.querySelector('.picture-frame')
    const before = scaleOf(picture)
    const scale = Math.min(LARGEST, Math.max(SMALLEST, wanted))
    const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2]
    picture.querySelector('.pic').setAttribute('width', width * scale)
    picture.querySelector('.pic').setAttribute('height', height * scale)
    frame.scrollLeft = (middle[0] * scale) / before - frame.clientWidth / 2
    frame.scrollTop = (middle[1] * scale) / before - frame.clientHeight / 2
    keep(picture)
  }

  function fit(picture) {
    const frame = picture.querySelector('.picture-frame')
    const { width, height } = natural(picture)
    const most = parseFloat(getComputedStyle(frame).maxHeight)
    zoom(picture, Math.min(1, (frame.clientWidth - 2) / width, most / height))
  }

  function keep(picture) {
    const { scrollLeft: left, scrollTop: top } = picture.querySelector('.picture-frame')
    views.set(picture.id, { scale: scaleOf(picture), left, top })
  }

  const ZOOMS = {
    fit,
    in: picture => zoom(picture, scaleOf(picture) * 1.25),
    out: picture => zoom(picture, scaleOf(picture) / 1.25),
  }
  const KEYS = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit' }

  function press(picture, event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return
    event.preventDefault()
    ZOOMS[KEYS[event.key]](picture)
  }

  function turn(picture, event) {
    if (!event.ctrlKey) return
    event.preventDefault()
    ZOOMS[event.deltaY < 0 ? 'in' : 'out'](picture)
  }

  // A mouse drags the picture; fingers scroll it as they scroll everything.
  function grab(frame, event) {
    if (event.pointerType !== 'mouse' || event.button || event.target.closest('a')) return
    frame.classList.add('is-held')
    const move = ({ movementX, movementY }) => frame.scrollBy(-movementX, -movementY)
    const drop = () => {
      frame.classList.remove('is-held')
      removeEventListener('pointermove', move)
    }
    addEventListener('pointermove', move)
    addEventListener('pointerup', drop, { once: true })
  }

  // Live logs: lines come by a WebSocket, which filters and masks; the page keeps the newest of them.
  const MOST_LINES = 2000

  class Logs {
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

  // A list of many steps begins where the chosen one is.
  function showChosen() {
    const list = document.getElementById('steps')
    const chosen = list?.querySelector('.is-chosen')
    if (chosen) list.scrollTop = chosen.offsetTop - list.offsetTop - list.clientHeight / 2
  }

  const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

  document.documentElement.classList.add('has-script')
  document.addEventListener('click', event => {
    const button = event.target.closest('[data-copy], [data-copy-from]')
    if (button) copy(button)
    const zoomer = event.target.closest('[data-zoom]')
    if (zoomer) ZOOMS[zoomer.dataset.zoom](zoomer.closest('[data-picture]'))
  })
  for (const root of document.querySelectorAll('[data-logs]')) new Logs(root)
  remember()
  tick()
  setInterval(tick, 1000)
  showPictures()
  showChosen()
  selectNode()
  addEventListener('hashchange', selectNode)
  document.addEventListener('htmx:afterSwap', showPictures)
  document.addEventListener('htmx:responseError', tellFailure)
  document.addEventListener('htmx:sendError', tellFailure)
  if (window.htmx) {
    htmx.createEventSource = url => new Stream(url)
    htmx.defineExtension('parts', { handleSwap: swapParts })
  }
})()
