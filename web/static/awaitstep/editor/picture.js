// The picture: a click on a node selects it; marks between nodes, and empty steps, open the palette.
export class Picture {
  constructor(root, selection, palette) {
    const picture = root.querySelector('#editor-picture')
    picture.addEventListener('click', event => {
      const slot = event.target.closest('.pic-slot')
      if (slot) return palette.open(slotOfMark(slot))
      const node = event.target.closest('[data-node]')?.dataset.node
      if (event.target.closest('.pic-fold')) return selection.fold(node)
      const extend = event.shiftKey || event.ctrlKey
      if (node) selection.selectNode(node, { focus: false, extend })
      if (event.target.closest('.pic-placeholder') && !extend) palette.open({ after: node })
      else if (event.target.closest('.pic-cap')) selection.selectNode('', { focus: false })
    })
  }
}

function slotOfMark({ dataset: { after, owner, region } }) {
  if (after) return { after }
  return owner ? { owner, region: Number(region) } : { owner: '' }
}
