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

export function isBlankRow(row) {
  return [...row.querySelectorAll('[name]:not([type=checkbox])')].every(input => !input.value)
}
