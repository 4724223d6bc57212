import { withNewIds } from '../new_ids.js'
import { defaultOf, inputsOf, isBlankRow, setDefault, showApplying } from './inputs.js'

// Updates the form of the same node after an operation, without disturbing someone who is typing: values,
// problems and hints change in place. Returns false if the form belongs to a different node.
export function updatePanel(panel, html, renamed = {}) {
  const template = document.createElement('template')
  template.innerHTML = html
  const fresh = template.content
  // Scripts are disabled in a template, so `noscript` contains elements there, but text on the page.
  for (const each of fresh.querySelectorAll('noscript')) each.remove()
  useNewId(panel, renamed)
  if (!panel.firstElementChild || shape(panel) !== shape(fresh)) return false
  for (const field of panel.querySelectorAll('.node-field')) {
    const next = fresh.querySelector(`.node-field[data-field="${CSS.escape(field.dataset.field)}"]`)
    updateField(field, next)
  }
  for (const form of panel.querySelectorAll('form[data-argument]')) {
    updateInputs(form, fresh.querySelector(`form[data-argument="${form.dataset.argument}"]`))
    if (!isTouched(form)) form.dataset.saved = form.querySelector('[name=value]').value
  }
  for (const part of ['#panel-id-help', '.panel-head']) {
    const [old, next] = [panel.querySelector(part), fresh.querySelector(part)]
    if (old && next) old.replaceChildren(...next.childNodes)
  }
  showApplying(panel)
  document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
  return true
}

// A renamed node may have a new id, which is part of the ids of its inputs.
function useNewId(panel, renamed) {
  const form = panel.querySelector('.panel-settings[data-operation]')
  const old = form && JSON.parse(form.dataset.operation).node
  const id = renamed[old]
  if (!id) return
  const [before, after] = [`field-${old}-`, `field-${id}-`]
  for (const element of panel.querySelectorAll('*')) {
    for (const { name, value } of [...element.attributes]) {
      if ((name === 'data-node' || name === 'data-node-fields') && value === old)
        element.setAttribute(name, id)
      else if (NAMES_IDS.has(name)) {
        const ids = value.split(' ').map(each => each.replace(before, after))
        element.setAttribute(name, ids.join(' '))
      }
    }
  }
  for (const each of panel.querySelectorAll('form[data-operation]')) {
    each.dataset.operation = JSON.stringify(withNewIds(JSON.parse(each.dataset.operation), renamed))
  }
}

const NAMES_IDS = new Set(['id', 'for', 'aria-describedby', 'aria-labelledby', 'data-references'])

// Two forms with the same operations and fields only differ in their values.
function shape(root) {
  const fields = [...root.querySelectorAll('.node-field')].map(field => field.dataset.field)
  const forms = [...root.querySelectorAll('form')].map(form => form.dataset.operation ?? 'null')
  return JSON.stringify([fields, forms.map(operation => JSON.parse(operation))])
}

function updateField(field, fresh) {
  field.hidden = fresh.hidden
  const isRefused = field.querySelector('[data-refused]') !== null
  if (inputNames(field) === inputNames(fresh)) updateInputs(field, fresh)
  else if (!isTouched(field)) return replaceField(field, fresh)
  if (isTouched(field) && isRefused) return // its text is not saved yet
  field.classList.toggle('has-errors', fresh.classList.contains('has-errors'))
  if (!isTouched(field)) field.dataset.saved = JSON.stringify(inputsOf(field))
  for (const kind of ['.field-problems', '.field-hint']) {
    const [old, next] = [field.querySelector(kind), fresh.querySelector(kind)]
    if (old && next) old.replaceWith(next)
    else if (old) old.remove()
    else if (next) field.append(next)
  }
}

// The inputs that count: empty rows are ignored.
function inputNames(field) {
  const inputs = [...field.querySelectorAll('[name]')].filter(isWritten)
  return JSON.stringify(inputs.map(input => [input.name, input.tagName]))
}

function isWritten(input) {
  const row = input.closest('[data-row]')
  return !row || !(isBlankRow(row) || input.type === 'checkbox')
}

const isTouched = root => [...root.querySelectorAll('input[type=text], textarea, select')].some(isChanged)

const isChanged = input => input.value !== defaultOf(input)

function replaceField(field, fresh) {
  const { id, selectionStart } = document.activeElement ?? {}
  const hadFocus = field.contains(document.activeElement)
  field.replaceChildren(...fresh.childNodes)
  delete field.dataset.saved
  const next = hadFocus && id ? document.getElementById(id) : null
  next?.focus({ preventScroll: true })
  if (selectionStart != null) next?.setSelectionRange?.(selectionStart, selectionStart)
}

function updateInputs(old, fresh) {
  const next = [...fresh.querySelectorAll('[name]')].filter(isWritten)
  const inputs = [...old.querySelectorAll('[name]')].filter(isWritten)
  for (const [index, input] of inputs.entries()) {
    if (next[index]?.name === input.name) updateInput(input, next[index])
  }
}

// What was typed or chosen since the form was shown is kept, even if it is not saved yet.
function updateInput(input, fresh) {
  const isCheck = input.matches('[type=checkbox], [type=radio]')
  if (isCheck) {
    if (input.checked === input.defaultChecked) input.checked = fresh.checked
    input.defaultChecked = fresh.checked
    return
  }
  const hasChanged = isChanged(input)
  setDefault(input, fresh.value)
  if (!hasChanged) input.value = fresh.value
}
