// Completion from the language server; an item's description is fetched when it is selected.
import { LSPPlugin, serverCompletionSource } from '@codemirror/lsp-client'

export async function languageCompletion(context) {
  const plugin = context.view && LSPPlugin.get(context.view)
  if (!plugin?.client.connected) return null
  try {
    const result = await serverCompletionSource(context)
    if (!result) return null
    const items = plugin.client.lastItems
    const options = result.options.map((option, index) => described(option, items[index], plugin.client))
    return { ...result, options }
  } catch {
    return null // typing continues without completion
  }
}

// The server ranks items by the first digit of `sortText`. The editor itself only breaks ties with it.
function ranked(option) {
  const rank = Number(option.sortText?.[0])
  return Number.isInteger(rank) ? { ...option, boost: (4 - rank) * 10 } : option
}

function described(plain, item, client) {
  const option = ranked(plain)
  if (!item?.data) return option
  const info = async () => {
    try {
      const { detail, documentation } = await client.request('completionItem/resolve', item)
      return detail || documentation ? paragraphs([detail, documentation]) : null
    } catch {
      return null
    }
  }
  return { ...option, info }
}

function paragraphs(texts) {
  const box = document.createElement('div')
  for (const text of texts.filter(Boolean)) {
    const part = document.createElement('p')
    part.textContent = text
    box.append(part)
  }
  return box
}
