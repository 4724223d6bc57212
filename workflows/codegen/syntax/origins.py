"""Where values in a piece of code come from, as far as its syntax shows."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import named_nodes, text
from workflows.ir.reading.identifiers import GLOBALS, LANGUAGE_GLOBALS


class Origin(Enum):
    """Where a value comes from, which decides how far its type can be trusted.

    OUTPUT is what another node produced, PLATFORM a value of the Worker's own API, LANGUAGE one of
    JavaScript's, TYPED a value with a type that the code declares, OWN one that the code makes, and
    UNSURE one that may have changed since then.
    """

    OUTPUT = "output"
    PLATFORM = "platform"
    LANGUAGE = "language"
    TYPED = "typed"
    OWN = "own"
    UNSURE = "unsure"


ASSIGNMENTS: Final = frozenset({"assignment_expression", "augmented_assignment_expression"})
FUNCTIONS: Final = frozenset(
    {
        "arrow_function",
        "function_expression",
        "function_declaration",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)
_PLATFORM_NAMES: Final = frozenset({"event", "env", "ctx", "step"})
_INNER: Final = {"member_expression": "object", "subscript_expression": "object"}
_TRANSPARENT: Final = frozenset(
    {"parenthesized_expression", "non_null_expression", "await_expression"}
)
_LITERALS: Final = frozenset({"string", "number", "template_string", "regex", "true", "false"})
_TYPES: Final = frozenset({"as_expression", "satisfies_expression", "type_assertion"})
# Methods that return what their function returns, not what the list holds.
_MAPPING: Final = frozenset({"map", "flatMap", "reduce", "reduceRight", "then", "from", "catch"})
_MAX_STEPS: Final = 50
_NAMES: Final = frozenset({"identifier", "shorthand_property_identifier_pattern"})


class Origins:
    """The origins of the expressions in a piece of code."""

    def __init__(self, syntax: Syntax) -> None:
        self.declarations: dict[str, list[Node]] = {}
        self.reassigned: set[str] = set()
        self.added_properties: set[str] = set()
        for name in syntax.declarations:
            self.declarations.setdefault(text(name), []).append(name)
        self._collect_assignments(syntax.tree.root_node)

    def _collect_assignments(self, root: Node) -> None:
        for part in named_nodes(root):
            target = part.child_by_field_name("left") if part.type in ASSIGNMENTS else None
            if target and target.type == "identifier":
                self.reassigned.add(text(target))
            elif target and (name := target.child_by_field_name("property")):
                self.added_properties.add(text(name))

    def of(self, expression: Node | None) -> Origin:
        """Return where the value of an expression comes from."""
        node = expression
        for _ in range(_MAX_STEPS):
            if node is None:
                return Origin.UNSURE
            found = self._known(node)
            if found:
                return found
            node = self._next(node)
        return Origin.UNSURE

    def _known(self, node: Node) -> Origin | None:
        """Return the origin if the node alone shows it."""
        if node.type in _TYPES:
            return Origin.TYPED
        if node.type in _LITERALS:
            return Origin.LANGUAGE
        if node.type in ("object", "array", "class", "jsx_element", *FUNCTIONS):
            return Origin.OWN
        if node.type in _NAMES:
            return self._of_name(node)
        if node.type == "call_expression" and self._makes_own_values(node):
            return Origin.UNSURE
        return None

    def _of_name(self, node: Node) -> Origin | None:
        """Return the origin of a name that the code does not declare, or that may have changed."""
        name = text(node)
        declared = self._declarations_of(node)
        if not declared:
            if name in LANGUAGE_GLOBALS:
                return Origin.LANGUAGE
            return Origin.PLATFORM if name in GLOBALS | _PLATFORM_NAMES else Origin.OUTPUT
        if any(map(has_type, declared)):
            return Origin.TYPED
        if _is_typed_from_outside(declared[0]):
            return Origin.PLATFORM
        return Origin.UNSURE if name in self.reassigned or len(declared) > 1 else None

    def _declarations_of(self, name: Node) -> list[Node]:
        """Return the declarations of a name in the innermost function around it that has any."""
        declared = self.declarations.get(text(name), [])
        by_scope = [
            (scope, node)
            for node in declared
            if (scope := _scope_of(node)) is None or _contains(scope, name)
        ]
        innermost = max((scope.start_byte for scope, _ in by_scope if scope), default=-1)
        return [
            node for scope, node in by_scope if (scope.start_byte if scope else -1) == innermost
        ]

    def _makes_own_values(self, call: Node) -> bool:
        """Whether a call returns what a function of the code returns."""
        called = call.child_by_field_name("function")
        name = called.child_by_field_name("property") if called else None
        if name is None or text(name) not in _MAPPING:
            return False
        arguments = call.child_by_field_name("arguments")
        return arguments is not None and bool(arguments.named_children)

    def _next(self, node: Node) -> Node | None:
        """Return the expression that this one gets its value from; None if that is not clear."""
        if node.type in _TRANSPARENT:
            return node.named_children[0] if node.named_children else None
        if node.type in _INNER:
            return node.child_by_field_name(_INNER[node.type])
        if node.type == "new_expression":
            return node.child_by_field_name("constructor")
        if node.type == "call_expression":
            return self._called(node)
        return self._declared_value(node) if node.type in _NAMES else None

    def _called(self, call: Node) -> Node | None:
        """Return what a call gets its value from: the object of a method, or a built-in's argument."""
        called = call.child_by_field_name("function")
        root = called
        while root and root.type in _INNER:
            root = root.child_by_field_name(_INNER[root.type])
        is_language = root and root.type == "identifier" and text(root) in LANGUAGE_GLOBALS
        if is_language and root and text(root) not in self.declarations:
            arguments = call.child_by_field_name("arguments")
            values = arguments.named_children if arguments else []
            return values[0] if len(values) == 1 else None
        return called

    def _declared_value(self, name: Node) -> Node | None:
        """Return the expression that the only declaration of a variable takes its value from."""
        node: Node | None = self._declarations_of(name)[0]
        while node is not None and node.type not in FUNCTIONS:
            if node.type == "variable_declarator":
                return node.child_by_field_name("value")
            if node.type == "for_in_statement":
                return node.child_by_field_name("right")
            if node.type in ("required_parameter", "formal_parameters"):
                break
            node = node.parent
        return _list_of_callback(node)


def _list_of_callback(node: Node | None) -> Node | None:
    """Return the object of the method that calls the function with this parameter."""
    position = 0
    while node is not None and node.type not in FUNCTIONS:
        if node.type == "required_parameter" and node.parent:
            position = node.parent.named_children.index(node)
        node = node.parent
    arguments = node.parent if node else None
    call = arguments.parent if arguments and arguments.type == "arguments" else None
    called = call.child_by_field_name("function") if call else None
    name = called.child_by_field_name("property") if called else None
    is_total = name is not None and text(name) in ("reduce", "reduceRight") and position == 0
    return None if called is None or is_total else called.child_by_field_name("object")


def has_type(name: Node) -> bool:
    """Whether the declaration of this name has a type annotation, or type arguments in its value."""
    node: Node | None = name
    while node is not None and node.type in (
        "object_pattern",
        "array_pattern",
        "pair_pattern",
        name.type,
    ):
        node = node.parent
    if node is None:
        return False
    value = node.child_by_field_name("value")
    has_arguments = value is not None and value.child_by_field_name("type_arguments") is not None
    return node.child_by_field_name("type") is not None or has_arguments


def _is_typed_from_outside(declaration: Node) -> bool:
    """Whether this is a parameter of a function that the code does not call itself, as in a template."""
    node: Node | None = declaration
    while node is not None and node.type not in FUNCTIONS:
        if node.type == "required_parameter" and node.child_by_field_name("value") is not None:
            return False
        if node.type in ("statement_block", "program", "variable_declarator"):
            return False
        node = node.parent
    parent = node.parent if node else None
    return parent is not None and parent.type == "export_statement"


def _scope_of(declaration: Node) -> Node | None:
    """Return the function that a declaration belongs to; None for the code as a whole."""
    node = declaration.parent
    if (
        node is not None
        and node.type in FUNCTIONS
        and node.child_by_field_name("name") == declaration
    ):
        node = node.parent  # a function's own name is declared outside of it
    while node is not None and node.type not in FUNCTIONS:
        node = node.parent
    return node


def _contains(scope: Node, node: Node) -> bool:
    return scope.start_byte <= node.start_byte < scope.end_byte
