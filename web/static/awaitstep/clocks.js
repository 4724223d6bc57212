// Clocks continue from the times that the server sent, because the clocks of the server and the browser may differ.
const startTimes = new WeakMap()
const serverTime = document.querySelector('meta[name="server-time"]')
const offset = serverTime ? Date.parse(serverTime.content) - Date.now() : 0

export function updateClocks() {
  for (const element of document.querySelectorAll('[data-elapsed]')) {
    if (!startTimes.has(element)) startTimes.set(element, performance.now())
    const seconds = (performance.now() - startTimes.get(element)) / 1000
    setText(element, elapsed(Number(element.dataset.elapsed) + seconds))
  }
  for (const element of document.querySelectorAll('time[data-ago]')) {
    setText(element, ago((Date.now() + offset - Date.parse(element.dateTime)) / 1000))
  }
  for (const element of document.querySelectorAll('time[data-until]')) {
    const seconds = (Date.parse(element.dateTime) - Date.now() - offset) / 1000
    setText(element, seconds > 0 ? `in ${elapsed(seconds)}` : 'now')
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

// The same words as in web/formatting.py.
export function elapsed(time) {
  const seconds = Math.floor(time)
  const padded = number => String(number).padStart(2, '0')
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${padded(seconds % 60)} s`
  if (seconds >= 2 * 86400) {
    const hours = Math.round(seconds / 3600)
    return `${Math.floor(hours / 24)} d ${hours % 24} h`
  }
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} m`
}

function ago(seconds) {
  if (seconds < 45) return 'just now'
  if (seconds < 3600) return `${Math.max(Math.round(seconds / 60), 1)} min ago`
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`
  const days = Math.round(seconds / 86400)
  return days === 1 ? '1 day ago' : `${days} days ago`
}
