// The editor of a project: a tree of files, tabs with their texts, and the problems of all of them.
import { announce, floatMessages } from '../notices.js'
import { FileActions } from './actions.js'
import { ProjectDraft } from './draft.js'
import { ProjectProblems } from './problems.js'
import { Tabs } from './tabs.js'
import { Tree } from './tree.js'

export function startProject() {
  const root = document.querySelector('[data-editor="project"]')
  if (!root) return
  floatMessages()
  const draft = new ProjectDraft(root)
  const tree = new Tree(root, draft)
  const tabs = new Tabs(root, draft, tree)
  new FileActions(root, draft, tree, tabs)
  new ProjectProblems(root, draft, tabs)
  root.addEventListener('click', event => {
    const button = event.target.closest('[data-action]')
    if (!button || button.disabled) return
    event.preventDefault() // they are buttons of forms, for browsers without scripts
    step(draft, tabs, button.dataset.action)
  })
  root.addEventListener('keydown', event => {
    if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    draft.flush()
    announce('Saved')
  })
  // After "Save as v2", the same file is shown.
  root.addEventListener('formdata', ({ formData }) => formData.set('file', tabs.active))
  root.dataset.ready = ''
}

async function step(draft, tabs, action) {
  const answer = await draft[action]()
  if (answer?.opened) tabs.open(answer.opened)
}
