// Asks before the user leaves a page with unsaved changes, and marks buttons that do not save them.
const TEXT = 'textarea, input:not([type=hidden], [type=submit], [type=button], [type=checkbox], [type=radio])'
const initial = new WeakMap()
let submitted = null

export function guardForms() {
  if (document.body.classList.contains('login')) return
  addEventListener('load', rememberSelects)
  addEventListener('pageshow', () => (submitted = null))
  document.addEventListener('input', changed)
  document.addEventListener('change', changed)
  addEventListener('submit', event => {
    submitted = event.defaultPrevented ? null : event.target
  })
  addEventListener('beforeunload', event => {
    if (unsavedForms().some(form => form !== submitted)) event.preventDefault()
  })
}

function changed() {
  submitted = null
  if (document.querySelector('[data-editor]')) return
  const isUnsaved = unsavedForms().length > 0
  for (const button of document.querySelectorAll('[data-when-unsaved]')) {
    button.dataset.whenSaved ??= button.textContent
    button.textContent = isUnsaved ? button.dataset.whenUnsaved : button.dataset.whenSaved
  }
}

// Forms without text, such as lists with check boxes, have nothing to lose.
function unsavedForms() {
  const isUnsavedAnswer = document.querySelector('meta[name=awaitstep-posted]') !== null
  return [...document.forms].filter(form => {
    if (form.closest('[data-editor]')) return false // saves each change by itself
    const fields = [...form.elements]
    const texts = fields.filter(field => field.matches(TEXT))
    if (form.method !== 'post' || !texts.length) return false
    return (isUnsavedAnswer && texts.some(field => field.value)) || fields.some(isChanged)
  })
}

function isChanged(field) {
  if (field.matches(TEXT)) return field.value !== field.defaultValue
  if (field.matches('[type=checkbox], [type=radio]')) return field.checked !== field.defaultChecked
  if (field.tagName === 'SELECT' && initial.has(field)) return initial.get(field) !== choices(field)
  return false
}

// The admin moves options between two boxes, so their order and number count too.
function rememberSelects() {
  for (const select of document.querySelectorAll('form select')) initial.set(select, choices(select))
}

function choices(select) {
  const options = [...select.options]
  if (!select.closest('.selector')) return JSON.stringify(options.map(option => option.selected))
  return JSON.stringify(options.map(option => option.value).sort())
}
