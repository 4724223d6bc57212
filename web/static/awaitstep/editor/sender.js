import { csrfToken, renewCsrfToken } from './requests.js'

const RETRY_DELAY = 2000

// Sends changes until the server responds, so nothing is lost while it cannot be reached. The root of the
// editor shows what the page is waiting for.
export class Sender {
  constructor(root) {
    this.root = root
  }

  // `makeBody` returns JSON or a form for each attempt. Returns nothing if the user may not change the
  // workflow anymore.
  async post(url, makeBody, { outlivesPage = () => false } = {}) {
    let isRenewed = false
    for (;;) {
      const response = await this.#fetch(url, makeBody(), outlivesPage)
      outlivesPage = () => false
      const hasAnswered = response?.status < 500
      if (hasAnswered && isJson(response)) {
        const answer = await response.json()
        this.showOtherUser(answer)
        if (!answer.other_user) return this.#arrived({ response, answer })
        isRenewed = false
      } else if (hasAnswered) {
        const status = await this.#renewLogin()
        if (status === 'ok' && !isRenewed) {
          isRenewed = true
          continue
        }
        if (status === 'ok' || status === 'forbidden') return this.#arrived(null)
      }
      this.root.toggleAttribute('data-offline', !this.root.hasAttribute('data-other-user'))
      await pause()
    }
  }

  // Someone else has logged in with this browser: their session must not save what this user has typed.
  showOtherUser(answer) {
    this.root.toggleAttribute('data-other-user', answer.other_user === true)
  }

  #fetch(url, body, outlivesPage) {
    const type = typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}
    return fetch(url, {
      method: 'POST',
      headers: { ...type, Accept: 'application/json', 'X-CSRFToken': csrfToken() },
      keepalive: outlivesPage(body),
      body,
    }).catch(() => null)
  }

  #arrived(answer) {
    delete this.root.dataset.offline
    return answer
  }

  // The server responded with a page: the login page or an error page.
  async #renewLogin() {
    for (;;) {
      const status = await renewCsrfToken(this.root.dataset.user)
      this.root.toggleAttribute('data-logged-out', status === 'logged-out')
      this.showOtherUser({ other_user: status === 'other-user' })
      if (status !== 'logged-out' && status !== 'other-user') return status
      await pause()
    }
  }
}

export const FORBIDDEN = { error: 'You may no longer change this workflow.', status: 403 }
const MAX_KEPT_ALIVE = 60_000 // characters; browsers send at most 64 KB after the page has been left

export const canOutlivePage = body => typeof body === 'string' && body.length < MAX_KEPT_ALIVE

export const isJson = response =>
  response.headers.get('Content-Type')?.startsWith('application/json') ?? false

const pause = () => new Promise(resolve => setTimeout(resolve, RETRY_DELAY))

export function newRequestId() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('')
}
