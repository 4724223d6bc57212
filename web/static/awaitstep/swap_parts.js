import { announce, removeOldMessages } from './notices.js'

// Swaps only the parts of a page whose HTML has changed, so focus and selection are kept elsewhere.
// Running clocks and the CSRF token do not count as changes.
const current = new Map()
const VOLATILE =
  /( data-elapsed)="[^"]*">[^<]*|( data-(?:ago|until))>[^<]*|( name="csrfmiddlewaretoken") value="[^"]*"/g

const stableHtml = part => part.outerHTML.replace(VOLATILE, '$1$2$3>')

// The number of the newest event whose state the page has shown. An older state may arrive later: the response
// to an earlier request, or a row that was sent before the request was answered.
let newest = 0

// Notes the state of an element, unless the page has shown a newer one.
const accepts = element => {
  const number = Number(element?.dataset.number ?? newest)
  if (number < newest) return false
  newest = number
  return true
}

export function rememberParts() {
  accepts(document.querySelector('[data-number]'))
  for (const part of document.querySelectorAll('[data-part]')) current.set(part.id, stableHtml(part))
}

export function refuseOutdatedRow(event) {
  if (!accepts(event.detail.fragment.querySelector('[data-number]'))) event.preventDefault()
}

export function swapParts(style, _target, fragment) {
  if (style !== 'parts') return false
  if (!accepts(fragment.querySelector('[data-number]'))) return []
  const changed = [...fragment.querySelectorAll('[data-part]')].filter(
    part => document.getElementById(part.id) && current.get(part.id) !== stableHtml(part),
  )
  for (const part of changed) {
    current.set(part.id, stableHtml(part))
    const old = document.getElementById(part.id)
    const focusedId = old.contains(document.activeElement) ? document.activeElement.id : ''
    const scrolled = [...old.querySelectorAll('[data-scrolled][id]')].map(({ id, scrollTop }) => [
      id,
      scrollTop,
    ])
    keepInput(old, part)
    old.replaceWith(part)
    for (const [id, top] of scrolled) document.getElementById(id)?.scrollTo(0, top)
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true })
  }
  const announcement = changed.find(part => part.dataset.announce)
  if (announcement) {
    announce(announcement.dataset.announce)
    removeOldMessages()
  }
  return changed
}

// Keep what the user has typed and opened.
function keepInput(old, part) {
  for (const field of old.querySelectorAll('textarea[id], input[type=text][id]')) {
    const newField = part.querySelector(`#${CSS.escape(field.id)}`)
    if (newField && field.value !== field.defaultValue) newField.value = field.value
  }
  for (const details of old.querySelectorAll('details[id]')) {
    const newDetails = part.querySelector(`#${CSS.escape(details.id)}`)
    if (newDetails) newDetails.open = details.open
  }
}
