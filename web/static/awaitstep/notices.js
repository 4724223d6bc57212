// Shows a message in place of a fragment that could not be loaded.
export function showFailure(event) {
  const { target } = event.detail
  if (!target?.dataset.failed) return
  const paragraph = document.createElement('p')
  paragraph.className = 'empty'
  paragraph.textContent = target.dataset.failed
  target.replaceChildren(paragraph)
}

const JUST_SHOWN = 5000 // milliseconds
const GOOD_NEWS = 8000
const shownAt = new WeakMap()
let isFloating = false

// Shows what an action has done, with a link, like Django's own messages.
export function showMessage({ text, url, link, after, level }) {
  const item = document.createElement('li')
  item.className = level
  item.append(text)
  if (url) {
    const anchor = document.createElement('a')
    anchor.href = url
    anchor.textContent = link
    item.append(' ', anchor, ` ${after}`)
  }
  shownAt.set(item, performance.now())
  if (isFloating) removeOldMessages()
  messageList().append(item)
  announce(item.textContent)
  if (isFloating) makeClosable(item)
}

// Shows messages over the page, so that its parts stay where they are.
export function floatMessages() {
  isFloating = true
  for (const item of document.querySelectorAll('.messagelist > li')) makeClosable(item)
}

// Success messages disappear on their own, unless the pointer is on them.
function makeClosable(item) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'message-close'
  button.setAttribute('aria-label', 'Close')
  button.addEventListener('click', () => item.remove())
  item.append(button)
  if (!item.matches('.success, .info')) return
  const hide = () => (item.matches(':hover, :focus-within') ? setTimeout(hide, GOOD_NEWS) : item.remove())
  setTimeout(hide, GOOD_NEWS)
}

function messageList() {
  const list = document.querySelector('.messagelist') ?? document.createElement('ul')
  list.className = 'messagelist'
  if (!list.isConnected) document.getElementById('content').before(list)
  return list
}

// The results of earlier actions are no longer news. Messages that came with the page are as old as the page.
export function removeOldMessages() {
  for (const item of document.querySelectorAll('.messagelist > li')) {
    if (performance.now() - (shownAt.get(item) ?? 0) >= JUST_SHOWN) item.remove()
  }
}

export function showConnection(isConnected) {
  const notice = document.getElementById('connection')
  if (notice) notice.hidden = isConnected || document.querySelector('[data-final]') !== null
}

export function announce(text) {
  const announcer = document.getElementById('announcer')
  if (announcer) announcer.textContent = text
}
