// The bars of steps that have not ended grow, and the scale with them, until the server sends the next state.
import { elapsed } from './clocks.js'

const AHEAD = 1.15
const shownAt = new WeakMap()

export function growTimelines() {
  for (const list of document.querySelectorAll('[data-timeline]')) {
    if (!shownAt.has(list)) shownAt.set(list, performance.now())
    const now = Number(list.dataset.now) + (performance.now() - shownAt.get(list)) / 1000
    const seconds = Number(list.dataset.timeline)
    const shown = now > seconds ? now * AHEAD : seconds
    for (const bar of list.querySelectorAll('.timeline-bar')) place(bar, { seconds, shown, now })
    if (shown !== seconds) showMarks(shown)
  }
}

function place(bar, { seconds, shown, now }) {
  bar.dataset.left ??= bar.getAttribute('x')
  bar.dataset.width ??= bar.getAttribute('width')
  const left = (parseFloat(bar.dataset.left) * seconds) / shown
  const width = (parseFloat(bar.dataset.width) * seconds) / shown
  bar.setAttribute('x', `${left}%`)
  bar.setAttribute(
    'width',
    `${bar.hasAttribute('data-open') ? Math.max((now / shown) * 100 - left, 0.4) : width}%`,
  )
}

function showMarks(seconds) {
  document.querySelectorAll('.timeline-marks > span').forEach((mark, quarter) => {
    mark.textContent = elapsed((seconds * quarter) / 4)
  })
}
