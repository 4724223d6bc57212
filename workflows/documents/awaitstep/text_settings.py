"""Text and JSON settings: `${...}` and display names become references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tree_sitter import Node as TreeNode

from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.tree_nodes import children_of, named_nodes, string_value, text
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.names_in_code import as_text, rewritten
from workflows.documents.awaitstep.rewrites import Log
from workflows.documents.awaitstep.scope import Scope
from workflows.ir.document.model import Node
from workflows.ir.reading.fields import Code, NotJson, loads_with_references
from workflows.ir.reading.references import Reference, references_in
from workflows.ir.settings.setting_field import FieldKind
from workflows.ir.tree.scope import ROOTS

_TEXT: Final = frozenset(
    {
        FieldKind.TEXT, FieldKind.JSON, FieldKind.TABLE, FieldKind.DURATION, FieldKind.MOMENT,
        FieldKind.PAYLOAD, FieldKind.NUMBER, FieldKind.SWITCH, FieldKind.MULTISELECT,
    }
)  # fmt: skip
_WRAPPERS: Final = frozenset({"non_null_expression", "parenthesized_expression", "as_expression"})


class TextSettings:
    """Rewrites the settings of one node that are text or JSON."""

    def __init__(self, node: Node, scope: Scope, log: Log) -> None:
        self._node = node
        self._scope = scope
        self._log = log
        self._codes = {part.path: part for part in node.fields if isinstance(part, Code)}

    def rewrite(self, item: dict[str, Any]) -> set[str]:
        """Change the settings in the JSON of the node; return the paths of those that were code."""
        changed = set()
        for path, holder, key in self._settings(item):
            value = self._value(holder[key], path)
            if value == holder[key]:
                continue
            if path in self._codes:
                if not self._was_text(path, value):
                    continue
                changed.add(path)
            holder[key] = value
        return changed

    def _settings(self, item: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Yield the path of each setting that can contain text, and where its value is."""
        for field in self._node.type.fields:
            if field.kind not in _TEXT or not field.takes_references:
                continue
            for root, path in (("data", field.name), ("config", field.config_path)):
                *parents, key = path.split(".")
                holder = item.get(root)
                for parent in parents:
                    holder = holder.get(parent) if isinstance(holder, dict) else None
                if path and isinstance(holder, dict) and holder.get(key) is not None:
                    yield f"{root}.{path}", holder, key

    def _was_text(self, path: str, value: Any) -> bool:
        """Whether the setting, which was read as code, is JSON or a date with these references."""
        if syntax_of(self._codes[path]).is_broken:
            return True
        try:
            loads_with_references(value)
        except NotJson:
            return False
        return True

    def _value(self, value: Any, path: str) -> Any:
        match value:
            case str():
                return self._text(self._without_placeholders(value, path), path)
            case list():
                return [self._value(part, path) for part in value]
            case dict():
                return {self._value(k, path): self._value(v, path) for k, v in value.items()}
        return value

    def _text(self, value: str, path: str) -> str:
        """Return the text with its references in our form."""
        pieces, position = [], 0
        for reference in references_in(value):
            new = rewritten(self._node, reference, self._scope, self._log, path)
            written = value[reference.start : reference.end]
            pieces += [value[position : reference.start], new or written]
            position = reference.end
        return "".join([*pieces, value[position:]])

    def _without_placeholders(self, value: str, path: str) -> str:
        """Return the text with references instead of `${...}`, as far as they mean the same."""
        if "${" not in value:
            return value
        template = f"`{_escaped(value)}`"
        code = Code("", template, is_expression=True, references=references_in(template))
        syntax = syntax_of(code)
        expression = syntax.expression
        if syntax.is_broken or expression is None or expression.type != "template_string":
            return value
        edits = Edits(syntax)
        for part in expression.named_children:
            reference = self._reference(part, path) if part.type == "template_substitution" else ""
            if reference:
                edits.replace(part, reference)
                self._log.changed(self._node.id, path, _unescaped(text(part)), reference)
            elif part.type == "template_substitution":
                self._warn_about(part, path)
        return _unescaped(edits.result()[1:-1]) if edits else value

    def _warn_about(self, part: TreeNode, path: str) -> None:
        """Report code in a text that uses a node by its name; other code is reported later."""
        names = [text(each) for each in named_nodes(part) if each.type == "identifier"]
        if any(self._scope.by_name(self._node, name) for name in names):
            self._log.warn(
                self._node.id,
                path,
                f"{_unescaped(text(part))} is only text here: compute the value in a step, and refer to its "
                "output",
            )

    def _reference(self, part: TreeNode, path: str) -> str:
        """Return the reference for what is between `${` and `}`; "" if it is more than a path."""
        inner = children_of(part)
        found = path_of(inner[0]) if len(inner) == 1 else None
        if found is None:
            return ""
        root, *members = found
        if root in ROOTS or self._scope.is_provided(self._node, str(root)):
            return as_text(str(root), tuple(members))
        meaning = self._scope.meaning(self._node, str(root))
        if meaning is None:
            return ""
        if not meaning.has_reference:
            self._log.warn(
                self._node.id,
                path,
                f"${{{root}}} is a value of a loop that a reference cannot express: compute it in a step after "
                "the loop, and refer to that step",
            )
            return ""
        reference = Reference(root=meaning.reference, path=tuple(members), start=0, end=0)
        content = meaning.content_before(str(members[0]) if members else "")
        return as_text(f"{meaning.reference}{content}", reference.path)


def path_of(node: TreeNode) -> list[str | int] | None:
    """Return the root and the members of an expression such as `order.lines[0]?.id`; None for any other."""
    members: list[str | int] = []
    current: TreeNode | None = node
    while current is not None and current.type != "identifier":
        if current.type in _WRAPPERS:
            current = current.named_children[0]
            continue
        member = _member(current)
        if member is None:
            return None
        if member != "env" or text(current) != "this.env":
            members.append(member)
            current = current.child_by_field_name("object")
        else:
            return ["env", *reversed(members)]
    return [text(current), *reversed(members)] if current else None


def _member(node: TreeNode) -> str | int | None:
    if node.type == "member_expression":
        property_ = node.child_by_field_name("property")
        is_name = property_ is not None and property_.type == "property_identifier"
        return text(property_) if property_ and is_name else None
    if node.type == "subscript_expression":
        index = node.child_by_field_name("index")
        if index is not None and index.type == "number" and text(index).isdigit():
            return int(text(index))
        name = string_value(index)
        return name if name and name.replace("-", "_").isidentifier() else None
    return None


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("`", "\\`")


def _unescaped(value: str) -> str:
    return "\\".join(part.replace("\\`", "`") for part in value.split("\\\\"))
