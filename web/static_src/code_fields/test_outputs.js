// What the nodes returned in the last test run: completion shows the values, and keys that the types do not know.
import { languageCompletion } from './completion.js'

const PATH = /([A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*)\??\.([\w$]*)$/
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/
const MAX_LINE = 2_000 // characters before the cursor
const MAX_PREVIEW = 40 // characters

export async function completionWithOutputs(context) {
  const { values, from } = valuesBefore(context)
  const result = await languageCompletion(context)
  if (!values) return result
  const options = result?.options ?? []
  const known = new Set(options.map(({ label }) => label))
  const more = Object.keys(values)
    .filter(key => !known.has(key) && IDENTIFIER.test(key))
    .map(label => ({ label, type: 'property', detail: preview(values[label]), boost: 50 }))
  const described = options.map(option =>
    Object.hasOwn(values, option.label) ? { ...option, detail: preview(values[option.label]) } : option,
  )
  if (!described.length && !more.length) return result
  return { ...(result ?? { from, validFor: /^[\w$]*$/ }), options: [...described, ...more] }
}

// The object before the last dot, as it was in the last test run, and where the key after it begins.
function valuesBefore({ state, pos }) {
  const text = state.sliceDoc(Math.max(0, pos - MAX_LINE), pos)
  const written = PATH.exec(text)
  if (!written) return {}
  const [root, ...path] = written[1].split(/\??\./)
  const value = valueAt(root, path, outputs())
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return { values: isObject ? value : null, from: pos - written[2].length }
}

function valueAt(root, path, outputs) {
  if (root === 'event') return path[0] === 'payload' ? follow(outputs.trigger, path.slice(1)) : undefined
  return Object.hasOwn(outputs, root) ? follow(outputs[root], path) : undefined
}

function follow(value, path) {
  return path.reduce((outer, key) => (Object.hasOwn(Object(outer), key) ? outer[key] : undefined), value)
}

function outputs() {
  try {
    return JSON.parse(document.querySelector('#test-outputs')?.textContent ?? '{}')
  } catch {
    return {}
  }
}

function preview(value) {
  const text = JSON.stringify(value) ?? ''
  return text.length > MAX_PREVIEW ? `${text.slice(0, MAX_PREVIEW)}…` : text
}
