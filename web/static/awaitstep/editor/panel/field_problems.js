// Shows the selected node's problems next to its fields, including those that only the compiler finds.
export class FieldProblems {
  problems = []

  constructor(root) {
    this.panel = root.querySelector('#editor-panel')
  }

  show() {
    for (const list of this.panel.querySelectorAll('.found-problems')) list.remove()
    const node = this.panel.querySelector('[data-node-fields]')?.dataset.nodeFields
    for (const problem of this.problems) {
      const place = problem.node === node && this.#placeOf(problem.field)
      if (place && !isKnown(place, problem.text)) listOf(place).append(itemFor(problem))
    }
  }

  // Moves the cursor to a line in the control of a field, and opens the group that contains the field.
  focus(path, line = 0, column = 0) {
    const place = this.#placeOf(path)
    if (!place) return
    for (let outer = place; outer; outer = outer.parentElement.closest('details')) {
      if (outer.matches('details')) outer.open = true
    }
    const control = place.querySelector('input:not([type=hidden]), textarea, select')
    place.scrollIntoView({ block: 'nearest' })
    if (control) focusControl(control)
    if (line && control?.matches('textarea')) goToLine(control, line, column)
  }

  // The cell of the control with this path, or else the field around it.
  #placeOf(path) {
    for (let prefix = path; prefix; prefix = prefix.slice(0, Math.max(prefix.lastIndexOf('.'), 0))) {
      const name = CSS.escape(prefix)
      const cell = this.panel.querySelector(`.field-cell:has([name="${name}"])`)
      const field = cell ?? this.panel.querySelector(`.node-field[data-field="${name}"]`)
      if (field) return field
    }
    return null
  }
}

// A code editor replaces its text area, which is hidden, and takes the focus instead.
export function focusControl(control) {
  control.focus()
  if (control.hidden) control.dispatchEvent(new Event('focus'))
}

// The code editor moves its own cursor; without an editor, the text area is the field.
export function goToLine(area, line, column) {
  const detail = { line, column }
  const event = new CustomEvent('awaitstep:go-to-line', { detail, cancelable: true })
  if (!area.dispatchEvent(event)) return
  const before = area.value.split('\n').slice(0, line - 1)
  const offset = before.reduce((sum, text) => sum + text.length + 1, Math.max(column - 1, 0))
  area.setSelectionRange(offset, offset)
}

const isKnown = (place, text) =>
  [...place.querySelectorAll('.field-problems li')].some(item => item.textContent === text)

function listOf(place) {
  let list = place.querySelector('.found-problems')
  if (!list) {
    list = document.createElement('ul')
    list.className = 'found-problems'
    place.append(list)
  }
  return list
}

function itemFor({ severity, text }) {
  const item = document.createElement('li')
  item.className = severity === 'error' ? 'tone-bad' : 'tone-warn'
  item.textContent = text
  return item
}
