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

export async function getJson(url) {
  const response = await fetch(url).catch(() => null)
  return response?.ok ? response.json() : null
}

export async function getText(url) {
  const response = await fetch(url).catch(() => null)
  return response?.ok ? response.text() : null
}
