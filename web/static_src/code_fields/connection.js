// The connection of a page's code fields to the language server of one workflow.
import { LSPClient, LSPPlugin, serverDiagnostics, Workspace } from '@codemirror/lsp-client'

const FIRST_DELAY = 1000
const LONGEST_DELAY = 60000
const PROJECT = 'project:/'
const FINAL = new Set([4403, 4404]) // no permission, no workflow
const LOST = 'Completion is not available right now. Your text is safe.'
const connections = new Map()

export function connectionTo(address) {
  if (!connections.has(address)) connections.set(address, new Connection(address))
  return connections.get(address)
}

// Fetches the description of an item when it is selected.
class FieldClient extends LSPClient {
  lastItems = []

  request(method, params) {
    const answer = super.request(method, params)
    if (method !== 'textDocument/completion') return answer
    return answer.then(result => {
      this.lastItems = result?.items ?? []
      return result
    })
  }
}

// The open fields. A definition in another node or file is announced to the page, which may show it.
class Fields extends Workspace {
  files = []
  #versions = new Map()

  #nextVersion(uri) {
    this.#versions.set(uri, (this.#versions.get(uri) ?? -1) + 1)
    return this.#versions.get(uri)
  }

  syncFiles() {
    const changed = []
    for (const file of this.files) {
      const plugin = LSPPlugin.get(file.view)
      if (!plugin || plugin.unsyncedChanges.empty) continue
      changed.push({ changes: plugin.unsyncedChanges, file, prevDoc: file.doc })
      file.doc = file.view.state.doc
      file.version = this.#nextVersion(file.uri)
      plugin.clear()
    }
    return changed
  }

  openFile(uri, languageId, view) {
    const version = this.#nextVersion(uri)
    const file = { uri, languageId, version, doc: view.state.doc, view, getView: () => view }
    this.files.push(file)
    this.client.didOpen(file)
  }

  // The same field may already be open again in a new view.
  closeFile(uri, view) {
    const isOpenElsewhere = this.files.some(file => file.uri === uri && file.view !== view)
    this.files = this.files.filter(file => file.view !== view)
    if (!isOpenElsewhere) this.client.didClose(uri)
  }

  connected() {
    for (const file of this.files) {
      file.doc = file.view.state.doc
      LSPPlugin.get(file.view)?.clear()
      this.client.didOpen(file)
    }
  }

  displayFile(uri) {
    if (uri.startsWith(PROJECT)) return this.#displayFileOfProject(uri)
    const file = this.getFile(uri)
    if (file) {
      file.view.focus()
      return Promise.resolve(file.view)
    }
    const [node, field] = uri.replace('node:/', '').split('/').map(decodeURIComponent)
    const detail = { node, field: field === 'node' ? '' : field }
    document.dispatchEvent(new CustomEvent('awaitstep:go-to-node', { detail }))
    return Promise.resolve(null)
  }

  // The page calls `wait` with a promise for the moment when the file is shown.
  async #displayFileOfProject(uri) {
    const path = decodeURIComponent(uri.slice(PROJECT.length))
    let opening = null
    const wait = promise => (opening = promise)
    document.dispatchEvent(new CustomEvent('awaitstep:go-to-file', { detail: { path, wait } }))
    await opening
    const view = this.getFile(uri)?.view ?? null
    view?.focus()
    return view
  }
}

class Connection {
  #address
  #socket = null
  #delay = FIRST_DELAY
  #isFinal = false
  #status = ''
  #listeners = new Set()

  constructor(address) {
    this.#address = address
    this.client = new FieldClient({
      timeout: 15000,
      workspace: client => new Fields(client),
      extensions: [serverDiagnostics()],
      notificationHandlers: {
        'awaitstep/status': (_client, { message }) => {
          this.#show(message)
          return true
        },
      },
    })
  }

  // Connects, unless there is already a connection.
  start() {
    if (this.#socket || this.#isFinal) return
    const url = new URL(this.#address, location.href)
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url)
    this.#socket = socket
    let receive = null
    socket.onopen = () => {
      this.#delay = FIRST_DELAY
      this.#show('')
      this.client.connect({
        send: message => socket.readyState === WebSocket.OPEN && socket.send(message),
        subscribe: handler => {
          receive = handler
        },
        unsubscribe: () => {
          receive = null
        },
      })
    }
    socket.onmessage = event => receive?.(event.data)
    socket.onclose = event => this.#closed(event)
  }

  onStatus(listener) {
    this.#listeners.add(listener)
    listener(this.#status)
    return () => this.#listeners.delete(listener)
  }

  #closed({ code }) {
    this.#socket = null
    this.client.disconnect()
    if (FINAL.has(code)) {
      this.#isFinal = true
      return
    }
    this.#show(LOST)
    if (this.client.workspace.files.length === 0) return
    setTimeout(() => this.start(), this.#delay)
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY)
  }

  #show(message) {
    this.#status = message
    for (const listener of this.#listeners) listener(message)
  }
}
