// Pictures of workflows: zoomed by the size of the SVG, whose viewBox stays; the frame scrolls natively.
const SMALLEST = 0.05
const LARGEST = 2
const views = new Map()

export function showPictures() {
  for (const picture of document.querySelectorAll('[data-picture]:not([data-shown])')) {
    picture.dataset.shown = ''
    const frame = picture.querySelector('.picture-frame')
    const view = views.get(picture.id)
    zoom(picture, view?.scale ?? Math.max(0.75, Math.min(1, (frame.clientWidth - 2) / natural(picture).width)))
    const current = view ? null : frame.querySelector('[data-current]')
    const middle = frame.getBoundingClientRect().top + frame.clientHeight / 2
    frame.scrollLeft = view?.left ?? (frame.scrollWidth - frame.clientWidth) / 2
    frame.scrollTop = view?.top ?? (current ? current.getBoundingClientRect().top - middle : 0)
    frame.addEventListener('scroll', () => keep(picture))
    frame.addEventListener('keydown', event => press(picture, event))
    frame.addEventListener('pointerdown', event => grab(frame, event))
    frame.addEventListener('wheel', event => turn(picture, event), { passive: false })
  }
}

const natural = picture => picture.querySelector('.pic').viewBox.baseVal
const scaleOf = picture => picture.querySelector('.pic').width.baseVal.value / natural(picture).width

function zoom(picture, wanted) {
  const { width, height } = natural(picture)
  const frame = picture.querySelector('.picture-frame')
  const before = scaleOf(picture)
  const scale = Math.min(LARGEST, Math.max(SMALLEST, wanted))
  const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2]
  picture.querySelector('.pic').setAttribute('width', width * scale)
  picture.querySelector('.pic').setAttribute('height', height * scale)
  frame.scrollLeft = (middle[0] * scale) / before - frame.clientWidth / 2
  frame.scrollTop = (middle[1] * scale) / before - frame.clientHeight / 2
  keep(picture)
}

function fit(picture) {
  const frame = picture.querySelector('.picture-frame')
  const { width, height } = natural(picture)
  const most = parseFloat(getComputedStyle(frame).maxHeight)
  zoom(picture, Math.min(1, (frame.clientWidth - 2) / width, most / height))
}

function keep(picture) {
  const { scrollLeft: left, scrollTop: top } = picture.querySelector('.picture-frame')
  views.set(picture.id, { scale: scaleOf(picture), left, top })
}

export const ZOOMS = {
  fit,
  in: picture => zoom(picture, scaleOf(picture) * 1.25),
  out: picture => zoom(picture, scaleOf(picture) / 1.25),
}
const KEYS = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit' }

function press(picture, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return
  event.preventDefault()
  ZOOMS[KEYS[event.key]](picture)
}

function turn(picture, event) {
  if (!event.ctrlKey) return
  event.preventDefault()
  ZOOMS[event.deltaY < 0 ? 'in' : 'out'](picture)
}

// A mouse drags the picture; fingers scroll it as they scroll everything.
function grab(frame, event) {
  if (event.pointerType !== 'mouse' || event.button || event.target.closest('a')) return
  frame.classList.add('is-held')
  const move = ({ movementX, movementY }) => frame.scrollBy(-movementX, -movementY)
  const drop = () => {
    frame.classList.remove('is-held')
    removeEventListener('pointermove', move)
  }
  addEventListener('pointermove', move)
  addEventListener('pointerup', drop, { once: true })
}
