"""The lines of values in JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.ir.documents import every_type
from workflows.ir.reading.json_lines import JsonLines

TEXT = """{
  "metadata": {"name": "x"},
  "nodes": [
    {
      "id": "charge",
      "data": {
        "url": "a: {, \\" }",
        "headers": {
          "a.b": 1,
          "a": [true, null,
            {"id": 5, "\\u0062": ""}]
        }
      }
    },
    "charge",
    {"id": "two.parts", "data":
      {}}
  ]
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("metadata.name", 2),
        ("nodes", 3),
        ("nodes.charge", 4),
        ("nodes.0", 4),
        ("nodes.charge.data.url", 7),
        ("nodes.charge.data.headers.a.b", 9),
        ("nodes.charge.data.headers.a.2", 11),
        ("nodes.charge.data.headers.a.2.b", 11),
        ("nodes.charge.data.body", 6),
        ("nodes.1", 15),
        ("nodes.two.parts.data", 17),
        ("nodes.two.parts.name", 16),
        ("edges.a", 1),
    ],
)
def test_a_path_has_the_line_of_its_value_or_of_the_closest_parent(path: str, line: int) -> None:
    assert JsonLines(TEXT).line_of(path) == line


@pytest.mark.parametrize("text", ["1", '"a"', "[]", "{}", "", '{"id": "a"}', "[" * 900 + "]" * 900])
def test_every_json_document_has_lines(text: str) -> None:
    assert JsonLines(text).line_of("nodes.a") in (0, 1)


def test_every_value_of_a_document_is_found_where_it_is_written() -> None:
    text = json.dumps(every_type(), indent=2)
    lines, found = text.split("\n"), JsonLines(text)

    def check(value: Any, path: str) -> None:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            inner_path = f"{path}.{key}".lstrip(".")
            written = lines[found.line_of(inner_path) - 1].strip()
            assert not isinstance(value, dict) or written.startswith(json.dumps(key)), inner_path
            if isinstance(inner, dict | list):
                check(inner, inner_path)

    check(every_type(), "")
