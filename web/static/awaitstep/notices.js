// Show in place of a fragment that it could not be loaded.
export function showFailure(event) {
  const { target } = event.detail
  if (!target?.dataset.failed) return
  const paragraph = document.createElement('p')
  paragraph.className = 'empty'
  paragraph.textContent = target.dataset.failed
  target.replaceChildren(paragraph)
}

export function showConnection(isConnected) {
  const notice = document.getElementById('connection')
  if (notice) notice.hidden = isConnected || document.querySelector('[data-final]') !== null
}

export function announce(text) {
  const announcer = document.getElementById('announcer')
  if (announcer) announcer.textContent = text
}
