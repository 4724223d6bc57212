import { announce } from './notices.js'

export async function copy(button) {
  const source = document.getElementById(button.dataset.copyFrom)
  const text = source ? source.textContent : button.dataset.copy
  const done = await toClipboard(text)
  button.textContent = done ? 'Copied' : 'Press Ctrl+C'
  announce(done ? 'Copied' : 'The text is selected: copy it with Ctrl+C')
  setTimeout(() => (button.textContent = 'Copy'), 2000)
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelecting(text) // no clipboard on pages that came by plain HTTP
  }
}

function copyBySelecting(text) {
  const area = document.createElement('textarea')
  area.className = 'visually-hidden'
  area.value = text
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}
