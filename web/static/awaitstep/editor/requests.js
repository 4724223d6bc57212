const MAX_ADDRESS = 4000 // characters
const TOKEN = '#editor-token input'

export const csrfToken = () => document.querySelector(TOKEN).value

// A user who logs in again in another tab gets a new token. Returns "ok" with it, "logged-out", "other-user"
// if someone else has logged in, "forbidden" if the user may no longer change the workflow, or "offline".
export async function renewCsrfToken(user) {
  const response = await fetch(location.pathname).catch(() => null)
  if (!response || response.status >= 500) return 'offline'
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  if (response.redirected || !page.querySelector(TOKEN)) return response.ok ? 'logged-out' : 'forbidden'
  if (page.querySelector('[data-editor]')?.dataset.user !== user) return 'other-user'
  if (!page.querySelector('[data-editor][data-may-change]')) return 'forbidden'
  document.querySelector(TOKEN).value = page.querySelector(TOKEN).value
  return 'ok'
}

// Reads something about these ids, which are sent in the address, or in the body if there are many.
export function fetchFor(name, ids, url, query = {}) {
  const all = new URLSearchParams(query)
  for (const id of ids) all.append(name, id)
  const address = `${url}?${all}`
  if (address.length <= MAX_ADDRESS) return fetch(address).catch(() => null)
  return fetch(`${url}?${new URLSearchParams(query)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRFToken': csrfToken() },
    body: JSON.stringify({ [name]: ids }),
  }).catch(() => null)
}
