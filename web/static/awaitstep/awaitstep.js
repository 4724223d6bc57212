// What AwaitStep's pages do in a browser. Every page works without it; a reload then shows the state.
import { tick } from './clocks.js'
import { copy } from './copying.js'
import { Logs } from './logs.js'
import { tellFailure } from './notices.js'
import { remember, swapParts } from './parts.js'
import { showPictures, ZOOMS } from './pictures.js'
import { selectNode, showChosen } from './places.js'
import { Stream } from './streams.js'

document.documentElement.classList.add('has-script')
document.addEventListener('click', event => {
  const button = event.target.closest('[data-copy], [data-copy-from]')
  if (button) copy(button)
  const zoomer = event.target.closest('[data-zoom]')
  if (zoomer) ZOOMS[zoomer.dataset.zoom](zoomer.closest('[data-picture]'))
})
for (const root of document.querySelectorAll('[data-logs]')) new Logs(root)
remember()
tick()
setInterval(tick, 1000)
showPictures()
showChosen()
selectNode()
addEventListener('hashchange', selectNode)
document.addEventListener('htmx:afterSwap', showPictures)
document.addEventListener('htmx:responseError', tellFailure)
document.addEventListener('htmx:sendError', tellFailure)
if (window.htmx) {
  htmx.createEventSource = url => new Stream(url)
  htmx.defineExtension('parts', { handleSwap: swapParts })
}
