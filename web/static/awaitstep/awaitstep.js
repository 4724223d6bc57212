// The pages work without this script; a reload then shows the new state.

import { copy } from './clipboard.js'
import { updateClocks } from './clocks.js'
import { startEditor } from './editor/index.js'
import { EventStream } from './event_stream.js'
import { Logs } from './logs.js'
import { showFailure, showMessage } from './notices.js'
import { showPictures, ZOOMS } from './pictures.js'
import { startProject } from './project/index.js'
import { scrollToSelectedStep, selectNode } from './selection.js'
import { refuseOutdatedRow, rememberParts, swapParts } from './swap_parts.js'
import { growTimelines } from './timelines.js'
import { guardForms } from './unsaved_changes.js'

document.documentElement.classList.add('has-script')
document.addEventListener('click', event => {
  const copyButton = event.target.closest('[data-copy], [data-copy-from]')
  if (copyButton) copy(copyButton)
  const zoomButton = event.target.closest('[data-zoom]')
  if (zoomButton) ZOOMS[zoomButton.dataset.zoom](zoomButton.closest('[data-picture]'))
})
for (const root of document.querySelectorAll('[data-logs]')) new Logs(root)
rememberParts()
tick()
setInterval(tick, 1000)
showPictures()
scrollToSelectedStep()
selectNode()
startEditor()
startProject()
guardForms()
editCode()
addEventListener('hashchange', selectNode)
document.addEventListener('htmx:oobBeforeSwap', refuseOutdatedRow)
document.addEventListener('htmx:afterSwap', showPictures)
document.addEventListener('htmx:responseError', showFailure)
document.addEventListener('htmx:sendError', showFailure)
document.addEventListener('awaitstep:message', event => showMessage(event.detail))
// The admin gives its icons a label, but no role that allows a label.
addEventListener('load', () => {
  for (const icon of document.querySelectorAll('.search-label-icon')) icon.setAttribute('role', 'img')
})
if (window.htmx) {
  htmx.createEventSource = url => new EventStream(url)
  htmx.defineExtension('parts', { handleSwap: swapParts })
}

// The editor of code is large, and only loaded where there is code. Without it, text areas remain.
function editCode() {
  if (document.querySelector('[data-code-field]')) import('../bundled/code_fields.js').catch(console.warn)
  else {
    document.addEventListener('htmx:afterSettle', editCode, { once: true })
    document.addEventListener('awaitstep:code-fields', editCode, { once: true })
  }
}

function tick() {
  updateClocks()
  growTimelines()
}
