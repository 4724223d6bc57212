// Colors from the admin's custom properties, which support light and dark mode.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const MONOSPACE = 'var(--font-family-monospace, ui-monospace, monospace)'
const PANEL = {
  backgroundColor: 'var(--body-bg)',
  color: 'var(--body-fg)',
  border: '1px solid var(--border-color)',
}

const appearance = EditorView.theme({
  '&': {
    color: 'var(--body-fg)',
    backgroundColor: 'var(--body-bg)',
    border: '1px solid var(--border-color)',
    borderRadius: '4px',
    fontSize: '0.8125rem',
  },
  '&.cm-focused': { outline: '2px solid var(--link-fg)', outlineOffset: '-1px' },
  '.cm-scroller': { fontFamily: MONOSPACE, lineHeight: '1.5', overflow: 'auto', maxHeight: '40rem' },
  '.cm-content': { caretColor: 'var(--body-fg)' },
  '.cm-placeholder': { color: 'var(--body-quiet-color)', fontStyle: 'italic' },
  '.cm-cursor': { borderLeftColor: 'var(--body-fg)' },
  '.cm-gutters': {
    backgroundColor: 'var(--darkened-bg)',
    color: 'var(--body-quiet-color)',
    borderRight: '1px solid var(--hairline-color)',
  },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--body-fg)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--selected-bg)' },
  '.cm-tooltip': { ...PANEL, maxWidth: 'min(36rem, 90vw)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: MONOSPACE },
  '.cm-tooltip-autocomplete > ul > li': { color: 'var(--body-fg)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--selected-row, var(--selected-bg))',
    color: 'var(--body-fg)',
    outline: '1px solid var(--link-fg)',
  },
  '.cm-completionDetail': { color: 'var(--body-quiet-color)' },
  '.cm-completionInfo': { ...PANEL, whiteSpace: 'pre-wrap' },
  '.cm-completionInfo p': { margin: '0 0 0.4em' },
  '.cm-lsp-documentation': {
    fontFamily: MONOSPACE,
    padding: '4px 8px',
    maxHeight: '20rem',
    overflow: 'auto',
  },
  '.cm-panels': { ...PANEL },
  '.cm-lintRange-error': { textDecoration: 'underline wavy var(--error-fg)', backgroundImage: 'none' },
  '.cm-lintRange-warning': {
    textDecoration: 'underline wavy var(--as-warn, #8a5a00)',
    backgroundImage: 'none',
  },
  // The default markers are images in the style sheet, which the page's policy does not allow.
  '.cm-lint-marker': { content: 'normal', width: '0.6em', height: '0.6em', borderRadius: '50%' },
  '.cm-lint-marker-error': { content: 'normal', backgroundColor: 'var(--error-fg)' },
  '.cm-lint-marker-warning': { content: 'normal', backgroundColor: 'var(--as-warn, #8a5a00)' },
  '.cm-diagnostic': { whiteSpace: 'pre-wrap', padding: '4px 8px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--error-fg)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--as-warn, #8a5a00)' },
})

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--link-fg)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--as-good, #1d7a34)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--as-warn, #8a5a00)' },
  { tag: [tags.comment], color: 'var(--body-quiet-color)', fontStyle: 'italic' },
  { tag: [tags.propertyName, tags.definition(tags.variableName)], color: 'var(--body-fg)' },
  { tag: [tags.typeName, tags.className], color: 'var(--link-fg)' },
  { tag: tags.invalid, color: 'var(--error-fg)' },
])

// In a shadow root, the editor's styles are constructed style sheets, which the page's policy allows. The
// hint lies on the top border, where it neither covers the text nor moves anything.
export const SHADOW_STYLE = `
  :host { position: relative; display: block; flex: 1; min-width: 0; }
  :host([hidden]) { display: none; }
  [role="status"] { margin: 4px 0 0; font-size: 0.75rem; color: var(--body-quiet-color); }
  [role="status"]:empty { display: none; }
  .hint {
    position: absolute;
    top: 0;
    right: 8px;
    margin: 0;
    padding: 0 4px;
    background: var(--body-bg);
    color: var(--body-quiet-color);
    font-size: 0.6875rem;
    line-height: 1;
    translate: 0 -50%;
    pointer-events: none;
  }
  :host(:not(:focus-within)) .hint { display: none; }
`

export const theme = [appearance, syntaxHighlighting(colors)]
