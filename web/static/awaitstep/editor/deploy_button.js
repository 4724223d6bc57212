// While the draft differs from the newest version, "Deploy" saves it first.
export function showUnsaved(root) {
  const button = document.querySelector('#deploy')
  const status = root.querySelector('[data-deploys]')
  if (!button || !status) return
  const { deploys, saves } = status.dataset
  button.name = saves === undefined ? 'version' : 'save_as'
  button.value = deploys
  button.textContent = saves === undefined ? `Deploy v${deploys}` : `Save and deploy v${deploys}`
}
