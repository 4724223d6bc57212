"""The files of a project that a language server gets, and those that it must not get."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename, dirname, relpath
from typing import Final

from workflows.compilation.project_folder import ProjectSource, support_files
from workflows.compilation.project_imports import CODE_SUFFIXES, imported_files

# A server follows the settings next to a file, and this comment, to files outside of the project.
_SETTINGS: Final = frozenset({"tsconfig.json", "jsconfig.json", "package.json"})
_FOLLOWED: Final = "sourceMappingURL"
_NOT_FOLLOWED: Final = "sourceMappingUrl"  # as long, so that positions stay the same
_DECLARATIONS: Final = (".d.ts", ".d.mts", ".d.cts")
_IMPORTED_WITHOUT: Final = (".ts", ".tsx", ".js", ".jsx")


class ProjectDocuments:
    """The `code` of a project, with all files that have a suffix of code; `others` is what it needs.

    Every file of the code is listed in the settings: the server would look for the imports of a
    file that is not listed on the whole machine.
    """

    def __init__(self, source: ProjectSource) -> None:
        code = {path: text for path, text in source.files.items() if path.endswith(CODE_SUFFIXES)}
        self.code = {path: self.harmless(text) for path, text in code.items()}
        imported = imported_files(source.files, source.main, source.aliases)
        data = {path: source.files[path] for path in imported if _is_data(path)}
        self.others = {**data, **support_files(source, {**self.code, **data})}
        self._packages = source.packages

    @staticmethod
    def harmless(text: str) -> str:
        """Return a text that leads the server to no other file."""
        return text.replace(_FOLLOWED, _NOT_FOLLOWED)

    def differ_only_in_code(self, other: ProjectDocuments) -> bool:
        """Whether a server with the other files can continue with these: only their texts differ."""
        return self.others == other.others and self.code.keys() == other.code.keys()

    def importable_from(self, path: str) -> list[str]:
        """Return what a file can import besides the platform's modules: other files, and packages."""
        return [*self._specifiers(dirname(path), path), *self._packages]

    def _specifiers(self, folder: str, own: str) -> Iterator[str]:
        for path in self.code:
            if path == own or path.endswith(_DECLARATIONS):
                continue
            specifier = relpath(path, folder or ".")
            suffix = next((each for each in _IMPORTED_WITHOUT if path.endswith(each)), "")
            written = specifier.removesuffix(suffix)
            yield written if written.startswith(".") else f"./{written}"


def _is_data(path: str) -> bool:
    return path.endswith(".json") and basename(path).lower() not in _SETTINGS
