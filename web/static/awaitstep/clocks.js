// Times count on from what the server said; the clocks of server and browser may differ.
const counted = new WeakMap()
const server = document.querySelector('meta[name="server-time"]')
const ahead = server ? Date.parse(server.content) - Date.now() : 0

export function tick() {
  for (const element of document.querySelectorAll('[data-elapsed]')) {
    if (!counted.has(element)) counted.set(element, performance.now())
    const since = (performance.now() - counted.get(element)) / 1000
    show(element, elapsed(Number(element.dataset.elapsed) + since))
  }
  for (const element of document.querySelectorAll('time[data-ago]')) {
    show(element, ago((Date.now() + ahead - Date.parse(element.dateTime)) / 1000))
  }
  for (const element of document.querySelectorAll('time[data-until]')) {
    const left = (Date.parse(element.dateTime) - Date.now() - ahead) / 1000
    show(element, left > 0 ? `in ${elapsed(left)}` : 'now')
  }
}

function show(element, text) {
  if (element.textContent !== text) element.textContent = text
}

// The same words as deployments/presentation.py.
function elapsed(time) {
  const seconds = Math.floor(time)
  const padded = number => String(number).padStart(2, '0')
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${padded(seconds % 60)} s`
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
