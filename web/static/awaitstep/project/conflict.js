// Asks whose text is kept; resolves with "theirs" or "mine".
export async function askInConflict(reason, texts) {
  const dialog = document.querySelector('#editor-conflict')
  dialog.querySelector('[data-reason]').textContent = reason
  for (const [side, text] of Object.entries(texts)) {
    dialog.querySelector(`[data-${side}]`).textContent = text
  }
  let answer = ''
  while (!answer) {
    dialog.returnValue = ''
    dialog.showModal()
    await new Promise(resolve => dialog.addEventListener('close', resolve, { once: true }))
    answer = dialog.returnValue // Escape makes no choice
  }
  return answer
}
