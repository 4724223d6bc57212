// The editor of a workflow. Every change is an operation that the server performs; its response contains
// the parts of the page that show the new draft.

import { floatMessages, showMessage } from '../notices.js'
import { TestPanel } from '../testing/test_panel.js'
import { Clipboard } from './clipboard.js'
import { Draft } from './draft.js'
import { Dragging } from './dragging.js'
import { Folding } from './folding.js'
import { Keyboard } from './keyboard.js'
import { Menu } from './menu.js'
import { Minimap } from './minimap.js'
import { Palette } from './palette.js'
import { Panel } from './panel/panel.js'
import { References } from './panel/references.js'
import { Picture } from './picture.js'
import { Problems } from './problems.js'
import { Selection } from './selection.js'

export function startEditor() {
  const root = document.querySelector('[data-editor="graph"]')
  if (!root) return
  floatMessages()
  const draft = new Draft(root)
  new Folding(root, draft)
  const selection = new Selection(root, draft)
  const palette = new Palette(root, draft, selection)
  const clipboard = new Clipboard(draft, selection)
  const dragging = new Dragging(root, draft, selection)
  const testPanel = new TestPanel(root, draft, selection)
  const actions = new Actions(draft, selection, palette, clipboard, dragging, testPanel)
  new Keyboard(root, selection, actions)
  new Menu(root, selection, actions)
  new References(root, draft)
  new Panel(root, draft, selection)
  new Picture(root, selection, palette)
  new Minimap(root, draft)
  new Problems(root, draft, selection)
  root.addEventListener('click', event => {
    const button = event.target.closest('[data-action]')
    if (!button || button.disabled) return
    event.preventDefault() // some are buttons of forms, for browsers without scripts
    actions[button.dataset.action]()
  })
  // After "Save as v2", the same node is selected.
  root.addEventListener('formdata', ({ formData }) => formData.set('node', draft.selected))
  root.dataset.ready = ''
}

// The actions on the selected nodes, by keyboard, menu or button.
class Actions {
  constructor(draft, selection, palette, clipboard, dragging, testPanel) {
    Object.assign(this, { draft, selection, palette, clipboard, dragging, testPanel })
  }

  add = () => this.palette.open(this.selection.slot())
  commands = () => this.palette.open(this.selection.slot(), { withCommands: this })
  undo = () => this.draft.undo()
  redo = () => this.draft.redo()
  deploy = () => document.querySelector('#deploy')?.click()
  copy = () => this.clipboard.copy()
  paste = () => this.clipboard.paste()
  help = () => document.querySelector('#editor-keys').showModal()
  test = command => this.testPanel.perform(command)
  lift = () => this.dragging.lift(this.selection.nodes())
  cut = async () => (await this.clipboard.copy()) && this.remove()
  duplicate = () => this.#onNodes({ type: 'duplicate' })
  remove = () => this.#onNodes({ type: 'delete' })
  wrap = type => this.#onNodes({ type: 'wrap', node_type: type })
  unwrap = () => this.#onNode({ type: 'unwrap' })
  addArm = () => this.#onNode({ type: 'add_arm' })
  edit = () => document.querySelector('#editor-panel [data-first-field]')?.focus()

  saveVersion = () => {
    const button = document.querySelector('#save-version')
    if (button) button.click()
    else showMessage({ text: 'The draft is already saved as a version.', level: 'info' })
  }

  removeArm = () => {
    const arm = this.selection.arm()
    if (arm) this.draft.perform({ type: 'remove_arm', node: arm.owner, region: arm.region })
  }

  // Delete removes what is selected: nodes, or an arm.
  deleteSelected = () => (this.selection.arm() ? this.removeArm() : this.remove())

  #onNodes(operation) {
    const nodes = this.selection.nodes()
    if (nodes.length) return this.draft.perform({ ...operation, nodes })
  }

  #onNode(operation) {
    const [node] = this.selection.nodes()
    if (node) return this.draft.perform({ ...operation, node })
  }
}
