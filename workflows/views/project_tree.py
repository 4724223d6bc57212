"""The tree of a project's files, for the template that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from workflows.documents.projects.contents import content_of
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.tags import file_tags, folder_tag

_LANGUAGES: Final = {
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "tsx",
    ".json": "json",
    ".jsonc": "jsonc",
    ".toml": "toml",
    ".md": "markdown",
}
_WITH_COMMENTS: Final = ("tsconfig.", "wrangler.")


@dataclass(slots=True)
class TreeItem:
    """A file, or a folder, whose path ends with a slash."""

    name: str
    path: str
    level: int
    tag: str = ""
    is_selected: bool = False
    is_entered: bool = False
    children: list[TreeItem] = field(default_factory=list)

    @property
    def is_folder(self) -> bool:
        return self.path.endswith("/")


def tree_of(files: ProjectFiles, selected: str) -> list[TreeItem]:
    """Return the items at the top, folders first; one item can be reached with the Tab key."""
    tags = file_tags(files)
    root = TreeItem(name="", path="", level=0)
    folders = {"": root}
    for path in sorted(files):
        parent = _folder(path, folders, tags)
        parent.children.append(
            TreeItem(
                name=path.rpartition("/")[2], path=path, level=parent.level + 1, tag=tags[path]
            )
        )
    for folder in folders.values():
        folder.children.sort(key=lambda item: (not item.is_folder, item.name.casefold()))
    _mark(root, selected)
    return root.children


def _folder(path: str, folders: dict[str, TreeItem], tags: dict[str, str]) -> TreeItem:
    """Return the item of the folder that a path is in."""
    head, slash, _ = path.rstrip("/").rpartition("/")
    folder = head + slash
    if folder not in folders:
        parent = _folder(folder, folders, tags)
        inside = {name: tag for name, tag in tags.items() if name.startswith(folder)}
        name, level = head.rpartition("/")[2], parent.level + 1
        folders[folder] = TreeItem(name=name, path=folder, level=level, tag=folder_tag(inside))
        parent.children.append(folders[folder])
    return folders[folder]


def _mark(root: TreeItem, selected: str) -> None:
    items = list(_all(root))
    chosen = next((item for item in items if item.path == selected), None)
    if chosen:
        chosen.is_selected = True
    if items:
        (chosen or items[0]).is_entered = True


def _all(item: TreeItem) -> list[TreeItem]:
    return [each for child in item.children for each in (child, *_all(child))]


def language_of(path: str) -> str:
    """Return the language in which the editor shows a text file."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(".json") and name.startswith(_WITH_COMMENTS):
        return "jsonc"
    return _LANGUAGES.get("." + name.rpartition(".")[2], "text")


def size_of(files: ProjectFiles, path: str) -> int:
    """Return the size of a file in bytes."""
    return len(content_of(files[path]))
