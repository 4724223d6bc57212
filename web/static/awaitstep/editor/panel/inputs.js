// The inputs of one field, by their names, as a form would post them.
export function inputsOf(field) {
  const inputs = {}
  for (const input of field.querySelectorAll('[name]')) {
    if (input.matches('[type=checkbox], [type=radio]') && !input.checked) continue
    inputs[input.name] ??= []
    inputs[input.name].push(input.value)
  }
  return inputs
}

// The value of a text input or a list of options in the form as the server has sent it.
export function defaultOf(input) {
  if (input.tagName !== 'SELECT') return input.defaultValue
  const options = [...input.options]
  return (options.find(option => option.defaultSelected) ?? options[0])?.value ?? ''
}

export function setDefault(input, value) {
  if (input.tagName !== 'SELECT') {
    input.defaultValue = value
    return
  }
  const chosen = input.value
  for (const option of input.options) option.defaultSelected = option.value === value
  input.value = chosen
}

export function isBlankRow(row) {
  return [...row.querySelectorAll('[name]:not([type=checkbox], select)')].every(input => !input.value)
}

// Shows the fields that the form's other settings make relevant, as the server's response will.
export function showApplying(panel) {
  for (const field of panel.querySelectorAll('[data-shown-when]')) {
    const { shownWhen, shownValues, shownDefault } = field.dataset
    const other = panel.querySelector(`.node-field[data-field="data.${CSS.escape(shownWhen)}"]`)
    if (!other) continue
    const value = inputsOf(other)[`data.${shownWhen}`]?.at(-1) || shownDefault
    field.hidden = !JSON.parse(shownValues).includes(value) && !field.querySelector('.field-problems')
  }
}
