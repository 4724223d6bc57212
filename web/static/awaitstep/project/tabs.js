// The open files, each with a tab. Which ones are open is remembered in this window.
import { showMessage } from '../notices.js'
import { elementOf, OpenFile } from './open_file.js'

const MAX_RESTORED = 20

export class Tabs {
  #files = new Map()
  #problems = {}
  #settling = Promise.resolve()
  #isRestored = false
  active = ''

  constructor(root, draft, tree) {
    Object.assign(this, { root, draft, tree })
    this.list = root.querySelector('#project-tabs')
    this.panels = root.querySelector('#project-panels')
    this.key = `awaitstep-tabs ${root.dataset.url}`
    const remembered = JSON.parse(sessionStorage.getItem(this.key) ?? '[]')
    const first = this.panels.querySelector('[data-file]')
    if (first) this.show(this.#add(first).path)
    root.addEventListener('awaitstep:open-file', ({ detail }) => this.open(detail.path))
    document.addEventListener('awaitstep:go-to-file', ({ detail }) => detail.wait(this.open(detail.path)))
    root.addEventListener('awaitstep:file-state', () => this.#draw())
    root.addEventListener('awaitstep:file-gone', ({ target }) => this.close(target.dataset.file))
    this.panels.addEventListener('click', event => this.#clickedPanel(event))
    this.list.addEventListener('click', event => this.#clickedTab(event))
    this.list.addEventListener('keydown', event => this.#pressed(event))
    draft.addEventListener('flush', () => this.save())
    draft.addEventListener('changed', ({ detail }) => (this.#settling = this.#changed(detail)))
    this.#settling = this.#restore(remembered)
  }

  // Opens the tabs that were open before the page was loaded again, in their order.
  async #restore(remembered) {
    const paths = remembered.filter(path => this.tree.row(path)).slice(0, MAX_RESTORED)
    await Promise.all(paths.map(path => this.#files.get(path) ?? this.#load(path)))
    const order = [...new Set([...paths, ...this.#files.keys()])].filter(path => this.#files.has(path))
    this.#files = new Map(order.map(path => [path, this.#files.get(path)]))
    this.#isRestored = true
    this.#draw()
  }

  save() {
    for (const file of this.#files.values()) file.save()
  }

  async open(path, { line = 0, column = 0 } = {}) {
    await this.#settling
    const file = this.#files.get(path) ?? (await this.#load(path))
    if (!file) return
    this.show(path)
    if (line) file.goTo(line, column)
  }

  async #load(path) {
    const stored = await this.draft.fetchFile(path)
    if (!stored) {
      showMessage({ text: `${path} could not be opened.`, level: 'error' })
      return null
    }
    if (!this.#files.has(path)) {
      const element = elementOf(stored.html)
      this.panels.append(element)
      this.#add(element)
    }
    return this.#files.get(path)
  }

  #add(element) {
    const file = new OpenFile(element, this)
    this.#files.set(file.path, file)
    this.#enhance(file) // while it is shown, because its height counts
    this.#draw()
    return file
  }

  #enhance(file) {
    file.showProblems(this.#problems[file.path] ?? [])
    document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
  }

  show(path) {
    this.active = path
    this.#draw()
    if (!path) return
    this.tree.select(path)
    this.tree.reveal(path)
    history.replaceState(null, '', `?file=${encodeURIComponent(path)}`)
  }

  async close(path) {
    const file = this.#files.get(path)
    if (!file) return
    await file.save()
    if (file.isChanged && this.tree.tagOf(path)) return // not saved
    const paths = [...this.#files.keys()]
    const at = paths.indexOf(path)
    const hadFocus =
      file.element.contains(document.activeElement) || this.list.contains(document.activeElement)
    file.element.remove()
    this.#files.delete(path)
    if (this.active === path) this.show(paths[at + 1] ?? paths[at - 1] ?? '')
    else this.#draw()
    document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
    if (!hadFocus) return
    if (this.active) this.list.querySelector('[aria-selected=true]').focus()
    else this.tree.focus()
  }

  showProblems(problems) {
    this.#problems = problems
    for (const file of this.#files.values()) file.showProblems(problems[file.path] ?? [])
  }

  async #changed({ moved = {} }) {
    await Promise.all(Object.entries(moved).map(([from, to]) => this.#rename(from, to)))
    for (const [path, file] of this.#files) {
      if (this.tree.row(path)) file.sync()
      else if (!file.isChanged) this.close(path)
    }
  }

  // An open file that was moved keeps its place.
  async #rename(from, to) {
    if (!this.#files.has(from)) return
    const stored = await this.draft.fetchFile(to)
    if (!stored) return
    const file = this.#files.get(from)
    file.show(elementOf(stored.html))
    this.#files = new Map([...this.#files].map(([path, each]) => [path === from ? to : path, each]))
    if (this.active === from) this.show(to)
    else this.#draw()
    this.#enhance(file)
  }

  #draw() {
    if (this.#isRestored) sessionStorage.setItem(this.key, JSON.stringify([...this.#files.keys()]))
    const hadFocus = this.list.contains(document.activeElement)
    const tabs = [...this.#files.values()].map((file, at) => this.#tab(file, at))
    this.list.replaceChildren(...tabs)
    this.list.hidden = !tabs.length
    this.root.querySelector('#project-nothing').hidden = tabs.length > 0
    if (hadFocus) this.list.querySelector('[aria-selected=true]')?.focus()
  }

  #tab(file, at) {
    const isActive = file.path === this.active
    const tab = document.createElement('button')
    Object.assign(tab, {
      type: 'button',
      id: `project-tab-${at}`,
      title: file.path,
      tabIndex: isActive ? 0 : -1,
    })
    tab.dataset.tab = file.path
    tab.textContent = file.path.slice(file.path.lastIndexOf('/') + 1)
    tab.classList.toggle('is-changed', file.isChanged)
    const panel = file.element
    panel.id = `project-panel-${at}`
    for (const [name, value] of Object.entries({
      role: 'tab',
      'aria-selected': String(isActive),
      'aria-controls': panel.id,
    }))
      tab.setAttribute(name, value)
    panel.setAttribute('role', 'tabpanel')
    panel.setAttribute('aria-labelledby', tab.id)
    panel.hidden = !isActive
    return tab
  }

  #clickedTab(event) {
    const tab = event.target.closest('[data-tab]')
    if (tab) this.show(tab.dataset.tab)
  }

  #clickedPanel(event) {
    if (event.target.closest('[data-close-file]'))
      this.close(event.target.closest('[data-file]').dataset.file)
  }

  #pressed(event) {
    const paths = [...this.#files.keys()]
    const at = paths.indexOf(this.active)
    const go = to => this.show(paths.at(to % paths.length))
    const act = {
      ArrowRight: () => go(at + 1),
      ArrowLeft: () => go(at - 1),
      Home: () => go(0),
      End: () => go(-1),
      Delete: () => this.close(this.active),
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
}
