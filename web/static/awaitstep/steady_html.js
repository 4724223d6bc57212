// Returns a function that shows HTML in an element. What is replaced while it is pressed gets no click, so the same
// HTML is not shown again, and other HTML only after the release.
export function steadyHtml(element) {
  let [shown, newest, isPressed] = ['', '', false]
  const show = () => {
    if (newest === shown) return
    shown = newest
    element.innerHTML = newest
  }
  const release = () => {
    isPressed = false
    show()
  }
  element.addEventListener('pointerdown', () => {
    isPressed = true
  })
  for (const end of ['pointerup', 'pointercancel']) {
    document.addEventListener(end, () => isPressed && setTimeout(release)) // the click comes before
  }
  return html => {
    newest = html
    if (!isPressed) show()
  }
}
