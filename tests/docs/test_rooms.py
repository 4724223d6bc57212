"""Limits that keep the project easy to find one's way in."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import PurePath
from typing import Final

from tests.support.installation import PROJECT
from tests.support.repository import repository_files

SOURCE: Final = {".py", ".ts", ".js", ".mjs", ".cjs", ".html", ".css"}
MOST_FILES: Final = 20
LONGEST_FUNCTION: Final = 40


def test_no_folder_has_too_many_files() -> None:
    paths = [PurePath(name) for name in repository_files()]
    sources = [path for path in paths if path.suffix in SOURCE and path.name != "__init__.py"]
    folders = Counter(str(path.parent) for path in sources)
    assert {folder: count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_no_function_is_too_long() -> None:
    product = [
        name
        for name in repository_files()
        if name.endswith(".py") and not name.startswith("tests/")
    ]
    too_long = [
        f"{name}:{function.lineno}: {function.name} has {length} lines"
        for name in product
        for function in ast.walk(ast.parse((PROJECT / name).read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    assert too_long == []
