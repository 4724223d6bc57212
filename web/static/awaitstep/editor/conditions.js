import { inputsOf } from './inputs.js'

// Shows the fields that the form's other settings make relevant, as the server's response will.
export function showApplying(panel) {
  for (const field of panel.querySelectorAll('[data-shown-when]')) {
    const { shownWhen, shownValues, shownDefault } = field.dataset
    const other = panel.querySelector(`.node-field[data-field="data.${CSS.escape(shownWhen)}"]`)
    if (!other) continue
    const value = inputsOf(other)[`data.${shownWhen}`]?.at(-1) || shownDefault
    field.hidden = !shownValues.split(' ').includes(value) && !field.querySelector('.field-problems')
  }
}
