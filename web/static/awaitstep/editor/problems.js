import { showMessage } from '../notices.js'
import { steadyHtml } from '../steady_html.js'
import { FieldProblems } from './panel/field_problems.js'

// Fetches the problems of the draft after each change, and shows them on nodes and in a list.
export class Problems {
  #controller = null

  constructor(root, draft, selection) {
    this.root = root
    this.draft = draft
    this.selection = selection
    this.list = root.querySelector('#editor-problems')
    this.show = steadyHtml(this.list)
    this.fields = new FieldProblems(root)
    draft.addEventListener('changed', ({ detail }) => this.#changed(detail.parts))
    root.addEventListener('awaitstep:folded', () => this.#mark())
    draft.addEventListener('refused', ({ detail }) => this.#refused(detail))
    this.list.addEventListener('click', event => {
      const link = event.target.closest('[data-problem-node]')
      if (!link) return
      event.preventDefault()
      this.#goTo(link.dataset)
    })
    draft.addEventListener('shown', () => this.fields.show())
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
    this.marks = new Map(Object.entries(answer.nodes))
    this.fields.problems = answer.fields
    this.fields.show()
    this.#mark()
  }

  // A new picture of the same nodes has the same problems.
  #changed(parts) {
    const isPicture = Object.keys(parts).every(id => id === 'editor-picture')
    if (isPicture && this.marks) this.#mark()
    else this.#load()
  }

  #mark() {
    if (!this.marks) return
    for (const item of this.root.querySelectorAll('[data-node]')) {
      const mark = this.marks.get(item.dataset.node)
      item.classList.toggle('has-error', mark?.severity === 'error')
      item.classList.toggle('has-warning', mark?.severity === 'warning')
      if (item.getAttribute('role') !== 'treeitem') continue
      if (mark) item.setAttribute('aria-description', mark.text)
      else item.removeAttribute('aria-description')
    }
    for (const arm of this.root.querySelectorAll('.outline-arm > [role=treeitem]')) {
      const { owner, region } = arm.dataset
      const inArm = this.fields.problems.filter(
        problem => problem.node === owner && String(problem.region) === region,
      )
      arm.classList.toggle(
        'has-error',
        inArm.some(({ severity }) => severity === 'error'),
      )
      arm.classList.toggle('has-warning', inArm.length > 0 && !arm.classList.contains('has-error'))
      if (inArm.length) arm.setAttribute('aria-description', inArm[0].text)
      else arm.removeAttribute('aria-description')
    }
    for (const row of this.root.querySelectorAll('[role=treeitem][aria-expanded]')) this.#markFolded(row)
    this.draft.dispatchEvent(new Event('marked'))
  }

  // A folded item shows whether it hides a problem.
  #markFolded(row) {
    const isFolded = row.getAttribute('aria-expanded') === 'false'
    const inside = row.parentElement.querySelectorAll('ul .has-error, ul .has-warning')
    const isBad = [...inside].some(item => item.classList.contains('has-error'))
    const boxes = this.root.querySelectorAll(`.pic-folded[data-node="${CSS.escape(row.dataset.node ?? '')}"]`)
    for (const each of [row, ...boxes]) {
      each.classList.toggle('has-inner-error', isFolded && isBad)
      each.classList.toggle('has-inner-warning', isFolded && inside.length > 0 && !isBad)
    }
    if (isFolded && inside.length && !row.hasAttribute('aria-description')) {
      row.setAttribute('aria-description', 'Contains a problem')
    }
  }

  async #goTo({ problemNode, problemField, problemLine, problemColumn }) {
    await this.selection.selectNode(problemNode)
    this.fields.focus(problemField, Number(problemLine), Number(problemColumn))
  }

  async #refused({ error, errors, status, can_force: canForce, current, body, node }) {
    if (Object.keys(errors ?? {}).length) return // shown next to the inputs
    if (status === 409 && body.operation && current !== undefined) {
      const mine = writtenBy(body.operation)
      const both = { theirs: asText(current), mine: asText(mine) }
      let answer = ''
      while (!answer) answer = await this.#ask('conflict', error, both) // Escape makes no choice
      // The second attempt has the newest revision, so it replaces the other change.
      if (answer === 'mine') this.draft.perform(body.operation)
      else this.draft.dispatchEvent(new CustomEvent('discarded', { detail: body.operation }))
    } else if (canForce && body.operation) {
      const answer = await this.#ask('force', error)
      if (answer === 'force') this.draft.perform({ ...body.operation, force: true })
    } else if (this.#isLost(body.operation, status)) {
      await this.#ask('unsaved', error, { mine: asText(writtenBy(body.operation)) })
    } else {
      showMessage({ text: error, level: 'error' })
      if (node) this.selection.selectNode(node)
    }
  }

  // Whether a refused text is no longer in its form, or cannot be saved from there.
  #isLost(operation, status) {
    if (!operation || !writtenBy(operation)) return false
    return status === 403 || status === 404 || (operation.node && !this.selection.itemOf(operation.node))
  }

  #ask(name, reason, texts = {}) {
    const dialog = this.root.querySelector(`#editor-${name}`)
    dialog.querySelector('[data-reason]').textContent = reason
    for (const [side, text] of Object.entries(texts)) {
      dialog.querySelector(`[data-${side}]`).textContent = text
    }
    dialog.returnValue = ''
    dialog.showModal()
    return new Promise(resolve => {
      dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true })
    })
  }
}

const asText = value => (typeof value === 'string' ? value : JSON.stringify(value ?? null, null, 2))

// The value that the person wanted to save, if the operation contains it.
function writtenBy({ value, name, posted }) {
  return (
    value ??
    name ??
    Object.values(posted ?? {})
      .flat()
      .join('\n')
  )
}
