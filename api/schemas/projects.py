"""Projects: workflows that are folders of code, and AwaitStep's projects."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.conventions.schema import ApiSchema, BodySchema

Files = dict[str, str | dict[str, str]]


class ProjectOut(ApiSchema):
    """AwaitStep groups workflows into projects. An installation is one of them."""

    id: str
    name: str


class NewCodeProject(BodySchema):
    """A new workflow that is a folder of code: its files, or the name of a sample.

    A file is text, or `{"base64": "…"}`.
    """

    name: str = Field("", max_length=256)
    files: Files | None = None
    sample: str | None = Field(None, max_length=100)


class FileSummary(ApiSchema):
    """A file of a project; `tag` identifies its content."""

    path: str
    tag: str
    size: int


class FileOut(FileSummary):
    """A file with its content: text, or else Base64."""

    text: str | None
    base64: str | None


class FileQuery(ApiSchema):
    """Which file."""

    path: str = Field(max_length=1000)


class FileOperation(BodySchema):
    """An operation on a file, or on a folder, whose path ends with a slash.

    `base` is the tag of what it replaces: if somebody else has changed it, nothing happens.
    """

    operation: Literal["add", "write", "move", "delete"]
    path: str = Field(max_length=1000)
    base: str = Field("", max_length=100)
    text: str = Field("", max_length=4_000_000)
    to: str = Field("", max_length=1000)
    id: str = Field("", max_length=64, pattern=r"^[ -~]*$")


class FilesBody(BodySchema):
    """All files of a project."""

    files: Files


def file_of(path: str, tag: str, content: bytes) -> dict[str, Any]:
    """Return a file without its content."""
    return {"path": path, "tag": tag, "size": len(content)}
