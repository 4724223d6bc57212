// Shows the answer to an operation in the form of the same node without disturbing whoever is typing:
// values, problems and hints change in place. Returns false if the form needs other controls.
export function updatePanel(panel, html) {
  const template = document.createElement('template')
  template.innerHTML = html
  const fresh = template.content
  if (!panel.firstElementChild || shape(panel) !== shape(fresh)) return false
  const fields = fresh.querySelectorAll('.node-field')
  for (const [index, field] of [...panel.querySelectorAll('.node-field')].entries()) {
    updateField(field, fields[index])
  }
  for (const form of panel.querySelectorAll('form[data-argument]')) {
    const next = fresh.querySelector(`form[data-operation="${CSS.escape(form.dataset.operation)}"]`)
    updateInputs(form, next)
  }
  const help = fresh.querySelector('#panel-id-help')
  if (help) panel.querySelector('#panel-id-help').replaceChildren(...help.childNodes)
  const code = panel.querySelector('[data-code-of]')
  if (code) code.replaceWith(fresh.querySelector('[data-code-of]'))
  document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
  return true
}

// The controls of a form: two forms with the same shape differ in values alone.
function shape(root) {
  const names = [...root.querySelectorAll('[name]')].map(input => `${input.name} ${input.tagName}`)
  const forms = [...root.querySelectorAll('form')].map(form => form.dataset.operation)
  return JSON.stringify([names, forms])
}

function updateField(field, fresh) {
  field.hidden = fresh.hidden
  field.classList.toggle('has-errors', fresh.classList.contains('has-errors'))
  updateInputs(field, fresh)
  for (const kind of ['.field-problems', '.field-hint']) {
    const [old, next] = [field.querySelector(kind), fresh.querySelector(kind)]
    if (old && next) old.replaceWith(next)
    else if (old) old.remove()
    else if (next) field.append(next)
  }
}

function updateInputs(old, fresh) {
  const next = [...fresh.querySelectorAll('[name]')]
  for (const [index, input] of [...old.querySelectorAll('[name]')].entries()) {
    updateInput(input, next[index])
  }
}

// What the person has typed since the form was shown stays, also while it is not saved yet.
function updateInput(input, fresh) {
  const isCheck = input.matches('[type=checkbox], [type=radio]')
  if (isCheck) {
    if (input.checked === input.defaultChecked) input.checked = fresh.checked
    input.defaultChecked = fresh.checked
    return
  }
  if (input.tagName === 'SELECT') {
    if (document.activeElement !== input) input.value = fresh.value
    return
  }
  const isTouched = input.value !== input.defaultValue
  input.defaultValue = fresh.value
  if (!isTouched) input.value = fresh.value
}
