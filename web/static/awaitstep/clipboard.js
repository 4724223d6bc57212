import { announce } from './notices.js'

export async function copy(button) {
  const source = document.getElementById(button.dataset.copyFrom)
  const text = source ? source.textContent : button.dataset.copy
  const copied = await copyText(text, button.closest('dialog') ?? document.body)
  button.textContent = copied ? 'Copied' : 'Press Ctrl+C'
  announce(copied ? 'Copied' : 'The text is selected. Press Ctrl+C to copy it.')
  setTimeout(() => (button.textContent = 'Copy'), 2000)
}

async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelecting(text, place) // pages served over plain HTTP have no clipboard
  }
}

// What is outside a modal dialog cannot be selected while it is open.
function copyBySelecting(text, place) {
  const area = document.createElement('textarea')
  area.className = 'visually-hidden'
  area.value = text
  place.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  return copied
}
