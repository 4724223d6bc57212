import { announce } from './notices.js'

// Swaps only the parts of a page whose HTML has changed: focus, selection and a half-made click stay.
// What only a clock has changed has not: the page counts on by itself.
const shown = new Map()
const COUNTED = /( data-elapsed)="[^"]*">[^<]*|( data-(?:ago|until))>[^<]*|( name="csrfmiddlewaretoken") value="[^"]*"/g

const said = part => part.outerHTML.replace(COUNTED, '$1$2$3>')

export function remember() {
  for (const part of document.querySelectorAll('[data-part]')) shown.set(part.id, said(part))
}

export function swapParts(style, target, fragment) {
  if (style !== 'parts') return false
  const fresh = [...fragment.querySelectorAll('[data-part]')].filter(
    part => document.getElementById(part.id) && shown.get(part.id) !== said(part)
  )
  for (const part of fresh) {
    mark(part)
    shown.set(part.id, said(part))
    const old = document.getElementById(part.id)
    const focused = old.contains(document.activeElement) ? document.activeElement.id : ''
    const places = [...old.querySelectorAll('[data-scrolled][id]')].map(({ id, scrollTop }) => [id, scrollTop])
    carry(old, part)
    old.replaceWith(part)
    for (const [id, top] of places) document.getElementById(id)?.scrollTo(0, top)
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
  }
  const news = fresh.find(part => part.dataset.announce)
  if (news) announce(news.dataset.announce)
  return fresh
}

// What somebody has typed, and what they have opened, outlives the part that it stands in.
function carry(old, part) {
  for (const field of old.querySelectorAll('textarea[id], input[type=text][id]')) {
    const heir = part.querySelector(`#${CSS.escape(field.id)}`)
    if (heir && field.value !== field.defaultValue) heir.value = field.value
  }
  for (const details of old.querySelectorAll('details[id]')) {
    const heir = part.querySelector(`#${CSS.escape(details.id)}`)
    if (heir) heir.open = details.open
  }
}

// A stage stands in the list as soon as its event says so; the page's own part, which follows, has the rest.
// Either may overtake the other under load: the list never goes back, and an end is never painted over.
const ICONS = { done: 'check', current: 'ring' }
let newest = ''

export function reach(data) {
  const { stage } = JSON.parse(data)
  const part = document.getElementById('stages')
  if (!part?.querySelector(`.step[data-stage="${CSS.escape(stage)}"]`)) return
  newest = stage
  mark(part)
  shown.set(part.id, said(part))
}

function mark(part) {
  const steps = [...part.querySelectorAll('.step[data-stage]')]
  const reached = steps.findIndex(step => step.dataset.stage === newest)
  if (reached <= steps.findLastIndex(step => !step.matches('.step-pending'))) return
  const ticks = part.querySelectorAll('.tick')
  for (let index = 0; index <= reached; index++) {
    const state = index < reached || reached === steps.length - 1 ? 'done' : 'current'
    steps[index].className = `step step-${state}`
    steps[index].querySelector('use')?.setAttribute('href', `#as-${ICONS[state]}`)
    if (ticks[index]) ticks[index].className = `tick tick-${state}`
  }
}
