import { showParts } from '../editor/parts.js'
import { announce, showMessage } from '../notices.js'

const POLL_INTERVAL = 400
// What the commands press or focus, and the message if it is missing.
const COMMANDS = {
  run: ['#test-start'],
  run_to_selected: ['[name=until_selected]'],
  stop: ['[data-test-stop]', 'No test run is running.'],
  pin_output: ['[name=use_output]', 'Select a node that had an output in the test run.'],
  edit_pin: ['#test-output', 'Select a step, a request, a call or a wait.'],
  save: ['#test-name', 'Run this draft to its end first. Then you can save that run as a test.'],
}
const FAILED = { error: 'The server did not respond. Try again in a moment.' }

// The test run of the draft: its form, what each node does in it, and the pins.
export class TestPanel {
  #timer = null
  #loading = null
  #step = '' // of the node, if someone has chosen one
  #node = null
  #drawn = '' // the states that the picture shows
  #answer = { running: false, label: '' }

  constructor(root, draft, selection) {
    this.panel = root.querySelector('#editor-test')
    if (!this.panel) return
    Object.assign(this, { root, draft, selection, url: this.panel.dataset.url })
    draft.outputs = JSON.parse(root.querySelector('#test-outputs')?.textContent ?? '{}')
    this.panel.addEventListener('submit', event => this.#submitted(event))
    this.panel.addEventListener('click', event => this.#clicked(event))
    this.panel.addEventListener('change', event => this.#chosen(event))
    this.panel.addEventListener('toggle', () => {
      this.#loading = this.#toggled()
    })
    draft.addEventListener('shown', () => {
      this.#loading = this.#selected()
    })
    if (this.panel.open) this.#load({ withPin: true })
  }

  // A command of the palette, which opens the panel.
  async perform(command) {
    if (!this.panel.open) {
      const toggled = new Promise(resolve => this.panel.addEventListener('toggle', resolve, { once: true }))
      this.panel.open = true
      await toggled
    }
    await this.#loading
    const [selector, missing] = COMMANDS[command]
    const element = this.panel.querySelector(selector)
    if (!element) showMessage({ text: missing, level: 'info' })
    else if (element.matches('button')) element.click()
    else element.focus()
  }

  // The picture shows the states of the run while the panel is open.
  #toggled() {
    if (this.panel.open) {
      this.panel.scrollIntoView({ block: 'start' }) // so that there is room for the picture
      return this.#load({ withPin: true })
    }
    this.#wait(false)
    this.#drawn = ''
    if (!this.draft.testRun) return
    this.draft.testRun = null
    this.draft.refresh({ always: true, part: 'picture' })
  }

  #selected() {
    if (this.panel.open && this.#node !== this.draft.selected) return this.#load({ withPin: true })
  }

  async #load({ withPin = false } = {}) {
    this.#wait(false)
    const node = this.draft.selected
    if (node !== this.#node) this.#step = ''
    const step = this.#step
    const query = new URLSearchParams({ node, step })
    if (withPin) query.set('pin', '')
    const answer = await request(`${this.url}?${query}`)
    if (!this.panel.open || node !== this.draft.selected || step !== this.#step) return
    this.#node = node
    this.#show(answer)
  }

  #show(answer) {
    if (answer.error) return this.#wait(this.#answer.running)
    showParts(answer.parts)
    if (!('run' in answer)) return
    const before = this.#answer
    this.#answer = answer
    this.draft.testRun = answer.run
    this.#keepOutputs(answer.outputs)
    this.panel.querySelector('[data-test-label]').textContent = answer.label
    if (answer.label !== before.label && answer.label) announce(`Test run: ${answer.label}`)
    this.#wait(answer.running)
    if (answer.states !== this.#drawn) this.#draw(answer.states)
  }

  // Also for the code fields, which read the element.
  #keepOutputs(outputs) {
    this.draft.outputs = outputs
    const stored = this.root.querySelector('#test-outputs')
    if (stored) stored.textContent = JSON.stringify(outputs)
  }

  // The picture is not replaced if another node was selected in the meantime.
  async #draw(states) {
    const isDrawn = await this.draft.refresh({ always: true, part: 'picture' })
    if (isDrawn) this.#drawn = states
    else if (this.panel.open) this.#wait(true)
  }

  #wait(isRunning) {
    clearTimeout(this.#timer)
    this.#timer = isRunning ? setTimeout(() => this.#load(), POLL_INTERVAL) : null
  }

  async #submitted(event) {
    const form = event.target.closest('[data-test-form]')
    if (!form) return
    event.preventDefault()
    const body = new FormData(form, event.submitter)
    const starts = form.hasAttribute('data-starts')
    if (starts) this.#step = ''
    this.#wait(false)
    this.#setBusy(form, true)
    if (starts && !(await this.draft.settled())) {
      showMessage({ text: 'Correct the marked input first. Nothing was started.', level: 'error' })
    } else {
      const answer = await request(form.action, body)
      if (answer.error) showMessage({ text: answer.error, level: 'error' })
      this.#show(answer)
    }
    this.#setBusy(form, false)
  }

  // The last iteration of a loop is followed, like a node that runs once.
  #chosen({ target }) {
    if (!target.closest('[data-test-steps]')) return
    this.#step = target.selectedIndex === target.options.length - 1 ? '' : target.value
    this.#load()
  }

  #setBusy(form, isBusy) {
    for (const button of form.querySelectorAll('button')) button.disabled = isBusy
    form.querySelector('[data-test-starting]')?.toggleAttribute('hidden', !isBusy)
  }

  #clicked(event) {
    const link = event.target.closest('[data-test-node]')
    if (!link) return
    event.preventDefault()
    this.selection.selectNode(link.dataset.testNode)
  }
}

async function request(url, body = null) {
  const headers = { Accept: 'application/json' }
  const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, body }).catch(() => null)
  return (await response?.json().catch(() => null)) ?? FAILED
}
