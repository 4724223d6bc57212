"""Writes the Worker: its imports, Env, helpers, the workflow's class and its handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.codegen.analysis.import_header import NAMED, WORKERS, ImportHeader
from workflows.codegen.module.custom_entry import CustomEntry
from workflows.codegen.module.entry import default_entry, needed_handlers
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.module.script import EVENT, write_script
from workflows.codegen.module.templates import Templates
from workflows.codegen.module.worker_env import EnvUse, all_types, write_interface
from workflows.codegen.steps.break_flow import Run
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.steps.plan import Plan
from workflows.codegen.text.literals import comment
from workflows.codegen.text.slots import Slots
from workflows.codegen.text.writer import Writer
from workflows.ir.document.kinds import SCRIPT

GENERATED: Final = ": generated from the workflow document. Edit that, not this code."
"""What the first line of the module says after the name of the workflow."""


def write_program(
    plan: Plan,
    settings: ModuleSettings,
    *,
    templates: Templates,
    header: ImportHeader,
    env: Sequence[EnvUse],
    entry: CustomEntry | None,
) -> Writer:
    """Return a writer with the whole module; the class comes first, because it determines the rest."""
    body, is_script = Writer(), plan.ir.kind == SCRIPT
    emitter = write_script(plan, body) if is_script else _write_class(plan, settings, body)
    body.set_node("")
    body.line()
    _write_entry(plan, settings, entry, body)
    writer = Writer()
    name = plan.ir.metadata.name
    writer.line(comment(name, GENERATED))
    writer.line()
    if not is_script:
        header.need("WorkflowEntrypoint", WORKERS, type_only=False)
    header.need_named("\n".join([body.source, *emitter.helpers, templates.source]))
    if plan.slots:
        header.need_named(" ".join(NAMED))
    header.write(writer)
    types = all_types(
        env,
        settings,
        workers=plan.children.values(),
        variables=settings.variables if plan.slots else (),
        is_script=is_script,
    )
    write_interface(types, optional=templates.optional, writer=writer)
    for helper in emitter.helpers:
        writer.line()
        writer.text_block(helper)
    templates.write(writer)
    writer.line()
    writer.include(body)
    return writer


def _write_class(plan: Plan, settings: ModuleSettings, body: Writer) -> Emitter:
    emitter = Emitter(plan, body)
    body.line(f"export class {settings.class_name} extends WorkflowEntrypoint<Env, any> {{")
    with body.indented():
        body.line(f"async run(event: {EVENT}, step: WorkflowStep) {{")
        with body.indented():
            body.line("const env = this.env;")
            body.line()
            last, candidates = emitter.last_value()
            emitter.run(Run(last=last, candidates=candidates))
        body.set_node("")
        body.line("}")
    body.line("}")
    return emitter


def _write_entry(
    plan: Plan, settings: ModuleSettings, entry: CustomEntry | None, body: Writer
) -> None:
    binding, trigger = settings.workflow_binding, plan.ir.trigger
    if plan.slots:
        body.text_block(entry_slot(plan.slots))
    elif entry:
        kinds = {trigger.kind, *settings.added_triggers}
        entry.write(body, needed_handlers(kinds, binding, entry.handlers))
    else:
        body.text_block(default_entry(plan.ir, binding, settings.added_triggers))


def entry_slot(slots: Slots) -> str:
    """Return the slot of the entry code, in a function like that of a deployed module."""
    return f"(() => {{\n{slots.token('', ENTRY_PATH)}\n}})();\n"
