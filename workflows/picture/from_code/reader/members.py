"""Finds the members of values: fields, methods, exports."""

from __future__ import annotations

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.reader.source_text import literal_text
from workflows.picture.from_code.reader.values import (
    STEP_METHODS,
    Choice,
    Class,
    Fields,
    Function,
    MaybeStep,
    Namespace,
    Promise,
    Scope,
    Step,
    StepMethod,
    Value,
    choice,
)
from workflows.picture.from_code.reader.walk import Walk


def key_of(node: Node | None) -> str:
    """Return the name of a property; computed ones keep their brackets."""
    if node is None:
        return ""
    return literal_text(node) if node.type == "string" else text(node)


def member(walk: Walk, holder: Value, name: str) -> Value:
    """Return the property of a value."""
    match holder:
        case Step() | MaybeStep():
            is_known = isinstance(holder, Step) or name in STEP_METHODS
            return StepMethod(name) if is_known else None
        case Promise(result=result):
            return member(walk, result, name)
        case Fields(names=names, type=type_):
            return names[name] if name in names else method(walk, type_, name, this=holder)
        case Namespace(path=path):
            return walk.exported(path, name)
        case Class(node=node, scope=scope):
            return _static(walk, node, scope, name)
        case Choice(values=values):
            return choice((key, member(walk, value, name)) for key, value in values)
    return None


def method(walk: Walk, type_: Class | None, name: str, *, this: Value) -> Value:
    """Return a method of a class, or of the class of the project that it extends."""
    for _ in range(20):
        if type_ is None:
            return None
        found = member_node(type_.node, name)
        if found is not None:
            return _member_value(walk, found, type_.scope, name, this=this)
        type_ = super_class(walk, type_)
    return None


def _member_value(walk: Walk, node: Node, scope: Scope, name: str, *, this: Value) -> Value:
    if node.type == "method_definition":
        return Function(node, scope, name, this)
    inner = scope.function(this)
    with walk.quietly():
        return scope.lasting(f".{name}", walk.visit(node.child_by_field_name("value"), inner))


def member_node(node: Node, name: str, *, is_static: bool = False) -> Node | None:
    """Return the method or the field with this name in a class."""
    for part in children_of(node.child_by_field_name("body")):
        is_member = part.type in (
            "method_definition",
            "public_field_definition",
            "field_definition",
        )
        own_static = any(child.type == "static" for child in part.children)
        field = part.child_by_field_name("name") or part.child_by_field_name("property")
        if is_member and own_static == is_static and key_of(field) == name:
            return part
    return None


def _static(walk: Walk, node: Node, scope: Scope, name: str) -> Value:
    found = member_node(node, name, is_static=True)
    return None if found is None else _member_value(walk, found, scope, name, this=None)


def super_class(walk: Walk, type_: Class) -> Class | None:
    """Return the class that a class extends, if it is one of the project."""
    for part in type_.node.named_children:
        if part.type == "class_heritage":
            clause = part.named_children[0] if part.named_children else part
            value = clause.child_by_field_name("value") or clause
            found = walk.lookup(text(value), type_.scope) if value.type == "identifier" else None
            return found if isinstance(found, Class) else None
    return None
