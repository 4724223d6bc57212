// JSON fields: syntax errors, and completion of keys and values from a JSON Schema.
import { javascript } from '@codemirror/lang-javascript'
import { json } from '@codemirror/lang-json'
import { syntaxTree } from '@codemirror/language'
import { linter } from '@codemirror/lint'

const REFERENCE = /\{\{\s*[\w$.[\]-]+\s*\}\}/g

// A field that also takes an expression has no syntax errors here: text that is not JSON may be code.
export function jsonField({ schema: schemaText, takesCode }) {
  const schema = parsedSchema(schemaText)
  const isCode = takesCode !== undefined
  const support = isCode ? javascript() : [json(), linter(view => problems(view.state.doc.toString()))]
  return { support, sources: schema ? [context => complete(context, schema)] : [] }
}

function parsedSchema(text) {
  try {
    const schema = text ? JSON.parse(text) : null
    return schema && typeof schema === 'object' ? schema : null
  } catch {
    return null
  }
}

// A reference can replace a value; a reference inside a string is already valid.
function problems(text) {
  if (!text.trim()) return []
  const plain = text.replace(REFERENCE, reference => '0'.padEnd(reference.length))
  try {
    JSON.parse(plain)
    return []
  } catch (error) {
    const [from, to] = placeOf(error, text)
    return [{ from, to, severity: 'error', message: sentence(error) }]
  }
}

function placeOf(error, text) {
  const match = /position (\d+)/.exec(error.message)
  const at = Math.min(match ? Number(match[1]) : text.length, text.length)
  return at < text.length ? [at, at + 1] : [Math.max(0, at - 1), at]
}

function sentence(error) {
  const reason = error.message.replace(/(?:, "| in JSON|at position).*$/s, '').trim()
  return `This is not valid JSON: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`
}

function complete(context, schema) {
  const node = syntaxTree(context.state).resolveInner(context.pos, -1)
  const word = context.matchBefore(/"?[\w$-]*/)
  if (!word || (word.from === word.to && !context.explicit)) return null
  const isValue = node.name === 'String' || node.parent?.name === 'Property'
  const isKey = node.name === 'PropertyName' || node.name === 'Object' || node.parent?.name === 'Object'
  const inner = at(schema, pathOf(context.state, node))
  if (isKey && inner?.properties) return offer(word, keys(inner, context, node))
  if (isValue && inner?.enum)
    return offer(
      word,
      inner.enum.map(value => ({ label: JSON.stringify(value), apply: insertValue })),
    )
  return null
}

function offer(word, options) {
  return { from: word.from, options, validFor: /^"?[\w$-]*$/ }
}

function keys(schema, context, node) {
  const object = node.name === 'Object' ? node : closest(node, 'Object')
  const used = new Set(object ? object.getChildren('Property').map(part => keyOf(context.state, part)) : [])
  const written = node.name === 'PropertyName' ? textOf(context.state, node) : ''
  return Object.entries(schema.properties)
    .filter(([key]) => key === written || !used.has(key))
    .map(([key, part]) => ({
      label: JSON.stringify(key),
      apply: insertKey,
      type: 'property',
      detail: typeof part?.type === 'string' ? part.type : '',
      info: part?.description,
    }))
}

// The automatically closed quote is also replaced.
function insertValue(view, { label }, from, to, { colon = '' } = {}) {
  const end = to + (view.state.sliceDoc(to, to + 1) === '"' ? 1 : 0)
  const hasColon = /^\s*:/.test(view.state.sliceDoc(end, view.state.doc.lineAt(end).to))
  const insert = hasColon ? label : label + colon
  view.dispatch({
    changes: { from, to: end, insert },
    selection: { anchor: from + insert.length },
    userEvent: 'input.complete',
  })
}

function insertKey(view, completion, from, to) {
  insertValue(view, completion, from, to, { colon: ': ' })
}

// The keys from the outermost object to the innermost one around a node, without the node's own key.
function pathOf(state, node) {
  const path = []
  const isOwnKey = node.name === 'PropertyName'
  let skips = isOwnKey ? 1 : 0
  for (let part = node; part; part = part.parent) {
    if (part.name === 'Array') path.unshift(null)
    if (part.name === 'Property' && skips-- <= 0) path.unshift(keyOf(state, part))
  }
  return path
}

function at(schema, path) {
  let part = schema
  for (const key of path) {
    part = key === null ? part?.items : (part?.properties?.[key] ?? part?.additionalProperties)
    if (part?.$ref === '#') part = schema
  }
  return part
}

function closest(node, name) {
  let part = node
  while (part && part.name !== name) part = part.parent
  return part
}

function keyOf(state, property) {
  const name = property.getChild('PropertyName')
  return name ? textOf(state, name) : ''
}

function textOf(state, node) {
  return state.sliceDoc(node.from, node.to).replace(/^"|"$/g, '')
}
