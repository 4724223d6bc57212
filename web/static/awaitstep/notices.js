// A fragment that cannot be loaded says so where it would stand.
export function tellFailure(event) {
  const { target } = event.detail
  if (!target?.dataset.failed) return
  const sentence = document.createElement('p')
  sentence.className = 'empty'
  sentence.textContent = target.dataset.failed
  target.replaceChildren(sentence)
}

export function tellConnection(works) {
  const notice = document.getElementById('connection')
  if (notice) notice.hidden = works || document.querySelector('[data-final]') !== null
}

export function announce(sentence) {
  const announcer = document.getElementById('announcer')
  if (announcer) announcer.textContent = sentence
}
