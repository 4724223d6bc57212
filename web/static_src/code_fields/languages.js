// How the text of each language is colored.
import { javascript } from '@codemirror/lang-javascript'
import { StreamLanguage } from '@codemirror/language'
import { EditorView } from '@codemirror/view'

const TOML_VALUE =
  /^(?:\d{4}-\d\d-\d\d[\dT:.Z+-]*|[+-]?(?:0[xob][\da-fA-F_]+|[\d_]+(?:\.[\d_]+)?(?:[eE][+-]?\d+)?|inf|nan)|true|false)/

const toml = StreamLanguage.define({
  name: 'toml',
  startState: () => ({ quote: '', isValue: false }),
  token: (stream, state) => (state.quote ? inString(stream, state) : tomlToken(stream, state)),
  languageData: { commentTokens: { line: '#' } },
})

function tomlToken(stream, state) {
  if (stream.sol()) {
    state.isValue = false
    if (stream.match(/^\s*\[\[?[^\]]*\]\]?/)) return 'typeName'
  }
  if (stream.eatSpace()) return null
  if (stream.match(/^#.*/)) return 'comment'
  const quote = stream.match(/^("""|'''|"|')/)
  if (quote) {
    state.quote = quote[0]
    return inString(stream, state)
  }
  if (!state.isValue && stream.match(/^[A-Za-z0-9_.-]+/)) return 'propertyName'
  if (stream.match(TOML_VALUE)) return 'number'
  const character = stream.next()
  if ('={'.includes(character)) state.isValue = character === '='
  return null
}

// Only strings with three quotes continue in the next line.
function inString(stream, state) {
  while (!stream.eol()) {
    if (stream.match(state.quote)) {
      state.quote = ''
      return 'string'
    }
    if (stream.next() === '\\' && state.quote[0] === '"') stream.next()
  }
  if (state.quote.length === 1) state.quote = ''
  return 'string'
}

const markdown = StreamLanguage.define({
  name: 'markdown',
  startState: () => ({ isCode: false }),
  token(stream, state) {
    if (stream.sol() && stream.match(/^\s*(```|~~~).*/)) {
      state.isCode = !state.isCode
      return 'string'
    }
    if (state.isCode) {
      stream.skipToEnd()
      return 'string'
    }
    if (stream.sol() && stream.match(/^#{1,6} .*/)) return 'keyword'
    if (stream.sol() && stream.match(/^\s*(?:[-*+]|\d+\.|>) /)) return 'number'
    if (stream.match(/^`[^`]+`/)) return 'string'
    if (stream.match(/^!?\[[^\]]*\]\([^)]*\)/)) return 'typeName'
    stream.next()
    return null
  },
})

const LANGUAGES = {
  javascript: () => javascript(),
  jsonc: () => javascript(),
  markdown: () => [markdown, EditorView.lineWrapping],
  text: () => EditorView.lineWrapping,
  toml: () => toml,
  tsx: () => javascript({ typescript: true, jsx: true }),
}

export function codeSupport(language) {
  return LANGUAGES[language]?.() ?? javascript({ typescript: true })
}
