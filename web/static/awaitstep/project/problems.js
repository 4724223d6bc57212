import { steadyHtml } from '../steady_html.js'

// The problems of the files: fetched after each change, shown in a list and at their lines.
export class ProjectProblems {
  #controller = null

  constructor(root, draft, tabs) {
    Object.assign(this, { draft, tabs })
    this.list = root.querySelector('#editor-problems')
    this.show = steadyHtml(this.list)
    this.list.addEventListener('click', event => this.#clicked(event))
    draft.addEventListener('changed', () => this.#load())
    this.#load()
  }

  async #load() {
    this.#controller?.abort()
    this.#controller = new AbortController()
    const { signal } = this.#controller
    const response = await fetch(`${this.draft.url}problems/`, { signal }).catch(() => null)
    if (!response?.ok) return
    const answer = await response.json().catch(() => null)
    if (!answer || signal.aborted) return
    this.show(answer.html)
    this.tabs.showProblems(answer.files)
  }

  #clicked(event) {
    const link = event.target.closest('[data-problem-file]')
    if (!link) return
    event.preventDefault()
    const { problemFile, problemLine, problemColumn } = link.dataset
    this.tabs.open(problemFile, { line: Number(problemLine) || 1, column: Number(problemColumn) || 1 })
  }
}
