// Pictures of workflows: zooming changes the size of the SVG but not its viewBox; the frame scrolls.
const MIN_SCALE = 0.05
const MAX_SCALE = 2
const MIN_FITTED = 0.45 // below this, names cannot be read
const views = new Map()

export function showPictures() {
  for (const picture of document.querySelectorAll('[data-picture]:not([data-shown])')) {
    picture.dataset.shown = ''
    const frame = picture.querySelector('.picture-frame')
    const view = views.get(picture.id)
    zoom(
      picture,
      view?.scale ?? Math.max(0.75, Math.min(1, (frame.clientWidth - 2) / naturalSize(picture).width)),
    )
    const current = view ? null : frame.querySelector('[data-current]')
    const middle = frame.getBoundingClientRect().top + frame.clientHeight / 2
    frame.scrollLeft = view?.left ?? (frame.scrollWidth - frame.clientWidth) / 2
    frame.scrollTop = view?.top ?? (current ? current.getBoundingClientRect().top - middle : 0)
    frame.addEventListener('scroll', () => saveView(picture))
    frame.addEventListener('keydown', event => onKey(picture, event))
    frame.addEventListener('pointerdown', event => drag(frame, event))
    frame.addEventListener('wheel', event => onWheel(picture, event), { passive: false })
  }
}

// Shows a picture that has been drawn again at the same size and place as before.
export function redrawPicture(picture) {
  const view = views.get(picture.id)
  if (!view || !picture.querySelector('.pic')) return
  zoom(picture, view.scale)
  const frame = picture.querySelector('.picture-frame')
  frame.scrollLeft = view.left
  frame.scrollTop = view.top
}

const naturalSize = picture => picture.querySelector('.pic').viewBox.baseVal
const scaleOf = picture => picture.querySelector('.pic').width.baseVal.value / naturalSize(picture).width

function zoom(picture, requested) {
  if (!picture.querySelector('.pic')) return
  const { width, height } = naturalSize(picture)
  const frame = picture.querySelector('.picture-frame')
  const before = scaleOf(picture)
  const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, requested))
  const middle = [frame.scrollLeft + frame.clientWidth / 2, frame.scrollTop + frame.clientHeight / 2]
  picture.querySelector('.pic').setAttribute('width', width * scale)
  picture.querySelector('.pic').setAttribute('height', height * scale)
  frame.scrollLeft = (middle[0] * scale) / before - frame.clientWidth / 2
  frame.scrollTop = (middle[1] * scale) / before - frame.clientHeight / 2
  saveView(picture)
}

// Shows the whole picture, if its names can then be read.
function fit(picture) {
  const frame = picture.querySelector('.picture-frame')
  const { width, height } = naturalSize(picture)
  const style = getComputedStyle(frame)
  // A frame grows with its picture up to its maximum height; without a maximum, it has its pane's height.
  const most = style.maxHeight === 'none' ? frame.clientHeight : parseFloat(style.maxHeight)
  const room = most - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)
  const scale = Math.min(1, (picture.clientWidth - 2) / width, room / height)
  zoom(picture, Math.max(MIN_FITTED, scale))
}

function saveView(picture) {
  const { scrollLeft: left, scrollTop: top } = picture.querySelector('.picture-frame')
  views.set(picture.id, { scale: scaleOf(picture), left, top })
}

export const ZOOMS = {
  fit,
  in: picture => zoom(picture, scaleOf(picture) * 1.25),
  out: picture => zoom(picture, scaleOf(picture) / 1.25),
}
const KEYS = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit' }

function onKey(picture, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return
  event.preventDefault()
  ZOOMS[KEYS[event.key]](picture)
}

function onWheel(picture, event) {
  if (!event.ctrlKey) return
  event.preventDefault()
  ZOOMS[event.deltaY < 0 ? 'in' : 'out'](picture)
}

// A mouse drags the picture; touch scrolls natively.
function drag(frame, event) {
  if (event.pointerType !== 'mouse' || event.button || event.target.closest('a, [data-node], .pic-slot'))
    return
  frame.classList.add('is-dragging')
  const move = ({ movementX, movementY }) => frame.scrollBy(-movementX, -movementY)
  const stop = () => {
    frame.classList.remove('is-dragging')
    removeEventListener('pointermove', move)
  }
  addEventListener('pointermove', move)
  addEventListener('pointerup', stop, { once: true })
}
