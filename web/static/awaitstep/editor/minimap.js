// An overview of a picture that is larger than its pane, with a rectangle around the visible part. It is
// for pointers; keyboards and screen readers use the outline. This browser remembers whether it is hidden.
const SVG = 'http://www.w3.org/2000/svg'
const HIDDEN_KEY = 'awaitstep-map-hidden'

export class Minimap {
  #view = rectangle('minimap-view')

  constructor(root, draft) {
    this.frame = root.querySelector('#editor-picture')
    this.pane = this.frame.parentElement
    this.map = root.querySelector('#editor-minimap')
    this.button = root.querySelector('#editor-map')
    this.button.addEventListener('click', () => this.#toggle())
    this.observer = new ResizeObserver(() => this.#draw())
    this.observer.observe(this.frame)
    this.frame.addEventListener('scroll', () => this.#showView())
    draft.addEventListener('shown', () => this.#draw())
    draft.addEventListener('marked', () => this.#draw())
    this.map.addEventListener('pointerdown', event => this.#pressed(event))
    this.map.addEventListener('pointermove', event => this.#moved(event))
    this.#draw()
  }

  get #picture() {
    return this.frame.querySelector('.pic')
  }

  get #isWanted() {
    return !localStorage.getItem(HIDDEN_KEY)
  }

  #toggle() {
    if (this.#isWanted) localStorage.setItem(HIDDEN_KEY, 'yes')
    else localStorage.removeItem(HIDDEN_KEY)
    this.#draw()
  }

  #draw() {
    const picture = this.#picture
    const { clientHeight, scrollHeight } = this.frame
    const isWider = picture?.getBoundingClientRect().width > this.pane.clientWidth
    const isLarger = isWider || scrollHeight > clientHeight
    this.button.hidden = !isLarger
    this.button.setAttribute('aria-pressed', String(this.#isWanted))
    this.#show(isLarger && this.#isWanted)
    if (picture) this.observer.observe(picture)
    if (this.map.hasAttribute('hidden')) return
    this.map.setAttribute('viewBox', picture.getAttribute('viewBox'))
    const frames = [...picture.querySelectorAll('.pic-frame')].map(copyOf)
    const boxes = [...picture.querySelectorAll('.pic-node')].map(boxOf)
    this.map.replaceChildren(...frames, ...boxes, this.#view)
    this.#showView()
  }

  // The middle of the visible part stays where it is.
  #show(isShown) {
    const before = this.frame.clientWidth
    this.map.toggleAttribute('hidden', !isShown)
    this.frame.scrollLeft += (before - this.frame.clientWidth) / 2
  }

  #showView() {
    if (this.map.hasAttribute('hidden')) return
    const { left, top, scale } = this.#visible()
    const { clientWidth, clientHeight } = this.frame
    place(this.#view, left, top, clientWidth / scale, clientHeight / scale)
  }

  // The top left corner of the visible part, in the picture's units.
  #visible() {
    const [outer, inner] = [this.frame.getBoundingClientRect(), this.#picture.getBoundingClientRect()]
    const scale = inner.width / this.#picture.viewBox.baseVal.width
    return { left: (outer.left - inner.left) / scale, top: (outer.top - inner.top) / scale, scale }
  }

  #pressed(event) {
    if (event.button) return
    event.preventDefault()
    this.map.setPointerCapture(event.pointerId)
    this.#center(event)
  }

  #moved(event) {
    if (this.map.hasPointerCapture(event.pointerId)) this.#center(event)
  }

  #center({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.map.getScreenCTM().inverse())
    const { left, top, scale } = this.#visible()
    const { clientWidth, clientHeight } = this.frame
    this.frame.scrollBy((x - left) * scale - clientWidth / 2, (y - top) * scale - clientHeight / 2)
  }
}

function rectangle(kind) {
  const rect = document.createElementNS(SVG, 'rect')
  rect.setAttribute('class', kind)
  return rect
}

function place(rect, x, y, width, height) {
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, value)
}

function copyOf(frame) {
  const rect = rectangle('minimap-frame')
  for (const name of ['x', 'y', 'width', 'height']) rect.setAttribute(name, frame.getAttribute(name))
  return rect
}

function boxOf(node) {
  const { e, f } = node.transform.baseVal.consolidate().matrix
  const { width, height } = node.querySelector('.pic-box').getBBox()
  const marks = ['has-error', 'has-warning', 'has-inner-error', 'has-inner-warning', 'is-selected']
  const rect = rectangle(['minimap-node', ...marks.filter(name => node.classList.contains(name))].join(' '))
  place(rect, e, f, width, height)
  return rect
}
