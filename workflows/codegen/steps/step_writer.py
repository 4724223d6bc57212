"""Writes durable steps: their names, retry policies, callbacks and variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from workflows.codegen.analysis.step_names import HELPER
from workflows.codegen.steps.computed_settings import DURATION, SHOWN
from workflows.codegen.steps.plan import Plan
from workflows.codegen.steps.settings_writer import SettingsWriter
from workflows.codegen.syntax.changing_values import may_change
from workflows.codegen.syntax.code_facts import CodeFacts
from workflows.codegen.text.literals import member
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import INFERRED, VALUE_SUFFIX, Call, NodeType
from workflows.ir.document.step_policy import StepPolicy
from workflows.ir.reading.fields import Code, Field, parameters_of
from workflows.ir.settings.setting_field import SettingField
from workflows.ir.validation.limits import MAX_NAME_INDICES

DELAY_PARAMETERS: Final = "{ ctx: { attempt }, error }: { ctx: { attempt: number }; error: any }"
_ONCE: Final = '{ retries: { limit: 0, delay: 0, backoff: "constant" }, timeout: "1 minute" }'


class StepWriter(SettingsWriter):
    """Writes the parts of durable steps; `_indices` are the counters of the enclosing loops.

    `_attempts` are the expressions that distinguish the attempts of the enclosing races.
    """

    def __init__(self, plan: Plan, writer: Writer) -> None:
        super().__init__(plan, writer)
        self._indices: list[str] = []
        self._attempts: list[str] = []
        self._import_aliases: dict[str, str] = {}
        self._callbacks: dict[str, str] = {}

    def step_name(self, node: Node, *, part: str = "", suffix: str = "") -> str:
        """Return the expression of a step's name, which is unique in each iteration of a loop.

        A `suffix`, or the variable `part`, distinguishes several steps of one node.
        """
        if len(self._indices) > MAX_NAME_INDICES:
            self.add_helper(HELPER)
        parts = [*self._attempts, *([part] if part else [])]
        names = self._plan.step_names
        return names.expression(node, self._indices, parts=parts, suffix=suffix)

    def kept(self, node: Node, field: Field) -> list[Piece]:
        """Return the expression of a setting that is evaluated outside of steps.

        One that may change, because it reads the clock, is evaluated once, in its own step.
        """
        pieces = self.value(field)
        if not self.may_change(field):
            return pieces
        name = self.step_name(node, suffix=VALUE_SUFFIX)
        return [f"await step.do({name}, {_ONCE}, async (): Promise<any> => (", *pieces, "))"]

    def may_change(self, field: Field) -> bool:
        """Whether the value of a setting may differ when it is evaluated again."""
        if self._plan.slots or not isinstance(field, Code):
            return False
        return may_change(self._syntax(field))

    def place_of(self, node: Node, field: SettingField) -> list[Piece]:
        """Return the place for code that the field does not have yet, for completion; [] elsewhere."""
        slots = self._plan.slots
        return ["(\n", slots.token(node.id, f"data.{field.name}"), "\n)"] if slots else []

    @contextmanager
    def attempted(self, attempt: str) -> Iterator[None]:
        """Distinguish the steps written inside by the attempt, a variable; "" for the only one."""
        before = self._attempts
        self._attempts = [*before, attempt] if attempt else before
        yield
        self._attempts = before

    def assign(self, node: Node) -> list[Piece]:
        """Return the assignment before a node's value, or nothing if no one reads it."""
        if node.id not in self._plan.usage.used:
            return []
        variable = self._plan.variables[node.id]
        # The language server's outputs are in scope after the regions that assign them.
        keyword = "var" if self._plan.slots else "const"
        return [f"{variable} = " if self._is_hoisted(node) else f"{keyword} {variable} = "]

    def unique_name(self, prefix: str, node: Node) -> str:
        """Return a new name from the prefix and the node's variable."""
        return self._plan.names.unique(f"{prefix}_{self._plan.variables[node.id]}")

    def child_binding(self, call: Call) -> str:
        """Return the binding of the Worker that a node calls."""
        return f"env.{self._plan.children[call].name}"

    def template_function(self, type_: NodeType) -> str:
        """Return the function that runs a custom type's template."""
        return self._plan.templates[type_.name, type_.version]

    def inputs(self, node: Node) -> str:
        """Return the object of outputs that a custom node receives."""
        variables = self._plan.variables
        members = [member(id_, variables[id_]) for id_ in self._plan.inputs[node.id]]
        return f"{{ {', '.join(members)} }}" if members else "{}"

    def start_callback(self, node: Node, body: Code | None = None) -> None:
        """Write the first line of the function that a durable step runs.

        A name that the `body` declares for itself cannot be a parameter as well.
        """
        own = self._syntax(body).own if body and not self._plan.slots else frozenset()
        parameters = self._passed(node)
        aliases = self.aliases(body).items() if body else ()
        passed = "".join(f", {parameter}: any" for parameter in parameters)
        passed += "".join(
            f", {alias} = {name}" for name, alias in aliases if alias not in parameters
        )
        hidden = self._hidden_imports(node, node.inline_codes)
        passed += "".join(f", {name} = {self._imported(name)}" for name in hidden)
        name, ctx = self.callback_name(node), "_ctx" if "ctx" in own else "ctx"
        returned = ": Promise<any>" if node.id in self._plan.untyped else ""
        self.line(f"const {name} = async ({ctx}: WorkflowStepContext{passed}){returned} => {{")

    def callback_name(self, node: Node) -> str:
        """Return the name of the function that the node's step runs."""
        if node.id not in self._callbacks:
            self._callbacks[node.id] = self.unique_name("run", node)
        return self._callbacks[node.id]

    def policy(self, policy: StepPolicy, *, is_sensitive: bool = False) -> None:
        """Write a step's configuration in full, without relying on defaults."""
        delay, timeout = self._delay(policy), self.duration(policy.timeout, least=1)
        backoff = f', backoff: "{"constant" if policy.delay_code else policy.backoff}" }},'
        self.line("{")
        self.line(f"  retries: {{ limit: {policy.limit}, delay: ", *delay, backoff)
        self.line("  timeout: ", *timeout, ",")
        if is_sensitive:
            self.line('  sensitive: "output",')
        self.line("},")

    def _delay(self, policy: StepPolicy) -> list[Piece]:
        """Return the delay of retries: a duration, or a function of the attempt that has failed."""
        code = policy.delay_code
        if code is None:
            return self.duration(policy.delay)
        self.add_helper(SHOWN)
        self.add_helper(DURATION)
        is_async = "async " if self._plan.slots or b"await" in self._syntax(code).data else ""
        start = (
            f"{is_async}({DELAY_PARAMETERS}): Promise<any> => "
            if is_async
            else f"({DELAY_PARAMETERS}): any => "
        )
        return [start, "asMilliseconds(", *self.value(code), f", {self.setting(code)})"]

    def is_sensitive(self, node: Node) -> bool:
        """Return whether the output of the node, or of a node inside it, is hidden."""
        structure, sensitive = self._plan.ir.structure, self._plan.sensitive
        return node.id in sensitive or any(structure.is_inside(id_, node.id) for id_ in sensitive)

    def _type(self, node: Node) -> str:
        if node.id in self._plan.usage.raced:
            return "any"
        if node.type.output == INFERRED:
            return f"Awaited<ReturnType<typeof {self.callback_name(node)}>> | undefined"
        return str(node.type.output)

    def _is_hoisted(self, node: Node) -> bool:
        region_id, _ = self._plan.ir.structure.locations[node.id]
        return self._plan.usage.is_hoisted(node.id, region_id)

    def _moves(self, node: Node) -> bool:
        """Whether the callback moves to the declaration, whose type is inferred from it."""
        if not self._is_hoisted(node):
            return False
        return node.type.output == INFERRED and node.id not in self._plan.usage.raced

    def _passed(self, node: Node) -> dict[str, str]:
        """Return the parameters for names from regions that a moved callback can no longer see.

        Each comes with its argument. A name that the code declares for itself is not passed, unless
        a reference means the one from outside.
        """
        if not self._moves(node):
            return {}
        local = (
            name
            for region_id in self._crossed(node)
            for name in self._scopes.inner_names(region_id)
        )
        names = dict.fromkeys(local)
        if self._plan.slots:
            return {name: name for name in names}
        used = self._names_in(node) if names else set()
        own, aliases = self._own_names(node)
        parameters = {
            aliases.get(name, "") if name in own else name: name for name in names if name in used
        }
        parameters.pop("", None)
        return parameters

    def _hidden_imports(self, node: Node, codes: Iterable[Code]) -> list[str]:
        """Return the names that these pieces of code import, but a region around the node hides."""
        hiding = self._scopes.names_for(node) if not self._plan.slots else frozenset()
        facts = [self._facts(node, code) for code in codes] if hiding else []
        bindings = [binding for each in facts for binding in each.bindings]
        return [item.local for item in bindings if not item.type_only and item.local in hiding]

    def _imported(self, name: str) -> str:
        """Return another name for an import, declared at the top of the module."""
        if name not in self._import_aliases:
            self._import_aliases[name] = self._plan.names.unique(f"imported_{name}")
            self.add_helper(f"const {self._import_aliases[name]} = {name};\n")
        return self._import_aliases[name]

    def _own_names(self, node: Node) -> tuple[set[str], dict[str, str]]:
        """Return the names that the node's code declares for itself, and its aliases of outer ones."""
        own: set[str] = set()
        aliases: dict[str, str] = {}
        if self._plan.slots:
            return own, aliases
        codes = node.inline_codes
        for code in codes:
            if not code.is_expression:
                own |= self._syntax(code).own
                aliases |= self.aliases(code)
        return own | set(self._hidden_imports(node, codes)), aliases

    def _crossed(self, node: Node) -> Iterator[int]:
        """Return the regions between the node and the declaration of its variable."""
        structure, level = self._plan.ir.structure, self._plan.usage.level[node.id]
        return structure.enclosing(structure.locations[node.id][0], until=level)

    def _names_in(self, node: Node) -> set[str]:
        fields = [field for field in node.fields if not parameters_of(field)]
        used = {reference.root for field in fields for reference in field.references}
        for code in node.inline_codes:
            used |= self._facts(node, code).syntax.names
        return used

    def _facts(self, node: Node, code: Code) -> CodeFacts:
        return self._plan.codes[node.id, code.path]
