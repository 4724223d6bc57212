import { announce, showMessage } from '../notices.js'
import { fetchFor } from './requests.js'

// The last copy, for browsers that do not let pages read the clipboard.
const OWN = 'awaitstep-clipboard'

// The clipboard holds nodes as a document in JSON, so that they can be pasted into another workflow.
export class Clipboard {
  constructor(draft, selection) {
    this.draft = draft
    this.selection = selection
  }

  async copy() {
    const nodes = this.selection.nodes()
    if (!nodes.length) return false
    const response = await fetchFor('node', nodes, `${this.draft.url}fragment/`)
    if (!response?.ok) return false
    const text = await response.text()
    sessionStorage.setItem(OWN, text)
    await navigator.clipboard?.writeText(text).catch(() => {})
    announce(`Copied ${nodes.length === 1 ? 'one node' : `${nodes.length} nodes`}`)
    return true
  }

  async paste() {
    const text = await navigator.clipboard?.readText?.().catch(() => null)
    const fragment = text ?? sessionStorage.getItem(OWN) ?? ''
    if (!hasNodes(fragment)) {
      showMessage({ text: 'There are no nodes on the clipboard. Copy some first.', level: 'warning' })
      return
    }
    await this.draft.perform({ type: 'paste', fragment, slot: this.selection.slot() })
  }
}

// The server reads the text itself, because numbers would be rounded here.
function hasNodes(text) {
  try {
    return Array.isArray(JSON.parse(text)?.nodes)
  } catch {
    return false
  }
}
