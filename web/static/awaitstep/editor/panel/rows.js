import { announce } from '../../notices.js'

// Adds and removes rows in tables and lists. The last row of the server's form is blank; with scripts,
// it is hidden until it is added.
export class Rows {
  constructor(panel) {
    panel.addEventListener('click', event => {
      const button = event.target.closest('[data-add-row], [data-remove-row]')
      if (!button) return
      if (button.hasAttribute('data-add-row')) addRow(button.closest('.node-field'))
      else removeRow(button.closest('[data-row]'))
    })
  }
}

function addRow(field) {
  const row = field.querySelector('[data-new-row]')
  if (!row) return
  const next = row.cloneNode(true)
  row.removeAttribute('data-new-row')
  countUp(next)
  row.after(next)
  const legend = row.querySelector('legend')
  if (legend) legend.textContent = field.querySelectorAll('[data-row]').length - 1
  document.dispatchEvent(new CustomEvent('awaitstep:code-fields'))
  row.querySelector('input:not([type=hidden]), textarea, select').focus()
}

// Gives the inputs of a copied row new names and ids.
function countUp(row) {
  for (const editor of row.querySelectorAll('[data-code-editor]')) editor.remove()
  for (const area of row.querySelectorAll('textarea[data-code-field]')) area.hidden = false
  for (const element of row.querySelectorAll('*')) {
    for (const name of ['id', 'for', 'name', 'data-field', 'aria-label']) {
      if (element.hasAttribute(name)) element.setAttribute(name, countedUp(element.getAttribute(name)))
    }
    if (element.matches('label')) element.textContent = countedUp(element.textContent)
  }
}

// "data.branches.2.label" becomes "data.branches.3.label".
function countedUp(text) {
  return text.replace(/\b\d+(?=\D*$)/, count => Number(count) + 1)
}

// A row without values is not saved.
function removeRow(row) {
  const field = row.closest('.node-field')
  for (const input of row.querySelectorAll('[name]:not([type=checkbox], select)')) input.value = ''
  row.hidden = true
  field.querySelector('[data-add-row]').focus()
  announce('Removed')
  row.querySelector('[name]').dispatchEvent(new Event('change', { bubbles: true }))
}
