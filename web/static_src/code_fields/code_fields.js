// Turns text areas with code into editors. The text area remains the form's field and mirrors the editor.
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import {
  hoverTooltips,
  jumpToDefinition,
  jumpToDefinitionKeymap,
  LSPPlugin,
  renameKeymap,
  signatureHelp,
} from '@codemirror/lsp-client'
import { Annotation, EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers, placeholder, tooltips } from '@codemirror/view'
import { connectionTo } from './connection.js'
import { jsonField } from './json_fields.js'
import { codeSupport } from './languages.js'
import { completionWithOutputs } from './test_outputs.js'
import { SHADOW_STYLE, theme } from './theme.js'

const FIELDS = 'textarea[data-code-field]'
const MARGIN = 8
const SYNC_DELAY = 100
const HOW_TO_LEAVE = 'Press Escape and then Tab to leave the editor.'
const SHORT_HOW_TO_LEAVE = 'Esc, then Tab leaves the field'
const fromTextArea = Annotation.define()
const editors = new Map()

export function enhanceCodeFields(root = document) {
  for (const [area, editor] of [...editors]) {
    if (!area.isConnected) editor.destroy()
    else if (!editor.isConnected) editor.attach()
    else {
      editor.readTextArea()
      editor.renew()
    }
  }
  for (const area of root.querySelectorAll(FIELDS)) if (!editors.has(area)) new CodeField(area)
}

export function editorOf(area) {
  return editors.get(area)?.view ?? null
}

class CodeField {
  #area
  #host = document.createElement('div')
  #status = document.createElement('p')
  #stopStatus = () => {}
  #syncTimer = 0
  #textAtFocus = ''
  #uri = ''

  constructor(area) {
    this.#area = area
    editors.set(area, this)
    const shadow = this.#host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(SHADOW_STYLE)
    shadow.adoptedStyleSheets = [sheet]
    this.#host.dataset.codeEditor = area.id
    this.#status.setAttribute('role', 'status')
    const height = area.offsetHeight || 80
    const connection = this.#connection()
    this.view = new EditorView({
      root: shadow,
      parent: shadow,
      state: EditorState.create({ doc: area.value, extensions: this.#extensions(connection, height) }),
    })
    shadow.append(this.#status)
    if (!area.readOnly && !area.disabled) shadow.append(hint())
    const hadFocus = area === document.activeElement
    this.attach()
    this.#listen(connection)
    if (hadFocus) this.#takeFocus()
  }

  get isConnected() {
    return this.#host.isConnected
  }

  attach() {
    this.#area.after(this.#host)
    this.#area.hidden = true
    this.#area.required = false // a hidden field cannot show the browser's message
  }

  // Someone was already writing in the text area.
  #takeFocus() {
    const { selectionStart: anchor, selectionEnd: head } = this.#area
    this.view.dispatch({ selection: { anchor, head } })
    this.view.focus()
  }

  destroy() {
    editors.delete(this.#area)
    clearTimeout(this.#syncTimer)
    this.#stopStatus()
    this.view.destroy()
    this.#host.remove()
  }

  // The node has a new id, so its code has a new address at the language server.
  renew() {
    if (!this.#uri || this.#uri === this.#address()) return
    const { hasFocus, state } = this.view
    this.destroy()
    this.#area.hidden = false
    const { view } = new CodeField(this.#area)
    view.dispatch({ selection: state.selection.main })
    if (hasFocus) view.focus()
  }

  // Shows text that a script or the server has put into the text area.
  readTextArea() {
    const text = this.view.state.doc.toString()
    if (text === this.#area.value) return
    const changes = difference(text, this.#area.value)
    this.view.dispatch({ changes, annotations: fromTextArea.of(true) })
  }

  #goToLine(event) {
    event.preventDefault()
    const { line, column } = event.detail
    const anchor = positionAt(this.view.state.doc, line, column)
    this.view.dispatch({ selection: { anchor }, scrollIntoView: true })
  }

  // Shows the problems that the server found in the text: JSON with their places.
  #showProblems() {
    const { problems } = this.#area.dataset
    if (problems === undefined) return
    const { state } = this.view
    const found = JSON.parse(problems).map(({ line, column, severity, text }) => {
      const from = positionAt(state.doc, line, column)
      const { to } = state.doc.lineAt(from)
      return {
        from,
        to: column ? (state.wordAt(from)?.to ?? Math.min(from + 1, to)) : to,
        severity,
        message: text,
      }
    })
    this.view.dispatch(setDiagnostics(state, found))
  }

  #connection() {
    const owner = this.#area.closest('[data-language-socket]')
    return owner?.dataset.languageSocket ? connectionTo(owner.dataset.languageSocket) : null
  }

  #listen(connection) {
    const area = this.#area
    for (const label of area.labels ?? []) label.addEventListener('click', () => this.view.focus())
    area.form?.addEventListener('reset', () => setTimeout(() => this.readTextArea()))
    area.addEventListener('focus', () => this.view.focus())
    area.addEventListener('awaitstep:go-to-line', event => this.#goToLine(event))
    area.addEventListener('awaitstep:problems', () => this.#showProblems())
    this.#showProblems()
    if (connection) this.#stopStatus = connection.onStatus(message => (this.#status.textContent = message))
    this.view.contentDOM.addEventListener('focus', () => {
      this.#textAtFocus = area.value
      connection?.start()
    })
    this.view.contentDOM.addEventListener('blur', () => {
      if (area.value !== this.#textAtFocus) area.dispatchEvent(new Event('change', { bubbles: true }))
    })
  }

  #extensions(connection, height) {
    const { language } = this.#area.dataset
    const isJson = language === 'json'
    const { support, sources } = isJson
      ? jsonField(this.#area.dataset)
      : { support: codeSupport(language), sources: [] }
    return [
      lineNumbers(),
      lintGutter(),
      history(),
      drawSelection(),
      bracketMatching(),
      closeBrackets(),
      indentOnInput(),
      indentUnit.of('  '),
      support,
      theme,
      this.#area.placeholder ? placeholder(this.#area.placeholder) : [],
      EditorView.theme({ '.cm-content, .cm-gutter': { minHeight: `${height}px` } }),
      EditorView.contentAttributes.of(this.#labels()),
      EditorState.readOnly.of(this.#area.readOnly || this.#area.disabled),
      EditorView.editable.of(!this.#area.disabled),
      EditorView.updateListener.of(update => this.#updated(update)),
      autocompletion({ override: [...sources, ...(connection ? [completionWithOutputs] : [])] }),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...lintKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        indentWithTab,
      ]),
      connection ? this.#languageServer(connection) : [],
      tooltips({ position: 'fixed', tooltipSpace: visibleSpace }),
    ]
  }

  #address() {
    const { node = '', field = '', path } = this.#area.dataset
    if (path) return `project:/${encodeURIComponent(path)}`
    return `node:/${encodeURIComponent(node)}/${encodeURIComponent(field)}`
  }

  #languageServer(connection) {
    this.#uri = this.#address()
    return [
      connection.client.plugin(this.#uri, this.#languageId()),
      hoverTooltips(),
      signatureHelp(),
      keymap.of([...jumpToDefinitionKeymap, ...(this.#area.dataset.path ? [] : renameKeymap)]),
      EditorView.domEventHandlers({ mousedown: (event, view) => followLink(event, view) }),
    ]
  }

  #languageId() {
    const { language, expression, path } = this.#area.dataset
    if (path) return language
    if (language !== 'typescript') return language === 'json' ? 'json' : 'text'
    return expression === 'true' ? 'expression' : 'typescript'
  }

  #labels() {
    const area = this.#area
    const label = area.getAttribute('aria-label') ?? area.labels?.[0]?.textContent.replace(/:\s*$/, '').trim()
    return { 'aria-label': label || 'Code', 'aria-description': HOW_TO_LEAVE }
  }

  #updated({ docChanged, transactions, state }) {
    if (!docChanged) return
    clearTimeout(this.#syncTimer)
    this.#syncTimer = setTimeout(() => LSPPlugin.get(this.view)?.client.sync(), SYNC_DELAY)
    if (transactions.some(transaction => transaction.annotation(fromTextArea))) return
    this.#area.value = state.doc.toString()
    this.#area.dispatchEvent(new Event('input', { bubbles: true }))
  }
}

// Tab indents, so the field shows how to leave it; screen readers read its description.
function hint() {
  const element = document.createElement('p')
  element.className = 'hint'
  element.textContent = SHORT_HOW_TO_LEAVE
  element.setAttribute('aria-hidden', 'true')
  return element
}

// Lines and columns count from 1, as the compiler counts them.
function positionAt(doc, line, column) {
  const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines))
  return Math.min(from + Math.max(column - 1, 0), to)
}

// The part of the window in which completion and descriptions are shown: below the page's header.
function visibleSpace() {
  const { clientWidth, clientHeight } = document.documentElement
  const header = document.querySelector('#header')?.getBoundingClientRect().bottom ?? 0
  return {
    left: MARGIN,
    top: Math.max(header, 0) + MARGIN,
    right: clientWidth - MARGIN,
    bottom: clientHeight - MARGIN,
  }
}

// Ctrl-click goes to the declaration of a name, like F12.
function followLink(event, view) {
  if (!(event.ctrlKey || event.metaKey) || event.button !== 0) return false
  const position = view.posAtCoords({ x: event.clientX, y: event.clientY })
  if (position === null) return false
  view.dispatch({ selection: { anchor: position } })
  return jumpToDefinition(view)
}

// The smallest replacement, so that the cursor stays where it is.
function difference(before, after) {
  let from = 0
  while (from < before.length && from < after.length && before[from] === after[from]) from++
  let end = 0
  while (
    end < before.length - from &&
    end < after.length - from &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) }
}

enhanceCodeFields()
document.addEventListener('htmx:afterSettle', () => enhanceCodeFields())
document.addEventListener('awaitstep:code-fields', () => enhanceCodeFields())
