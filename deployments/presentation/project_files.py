"""The files of a project on a page: a list of all, and the one that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from deployments.models import Deployment
from workflows.documents.comparison.files import size_and_hash
from workflows.documents.projects.config import read_config
from workflows.documents.projects.contents import content_of, text_of
from workflows.documents.projects.files import ProjectFiles
from workflows.ir.document.kinds import PROJECT
from workflows.models import Workflow, WorkflowVersion

FILES: Final = "files"
"""The name of the part of a page that shows files."""
_FILE: Final = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file in the list; `folder` is "" at the top, and `size` is in bytes."""

    path: str
    folder: str
    name: str
    size: int
    is_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """The file that is shown: its text, or a description of what is not text."""

    path: str
    text: str | None
    description: str


def files_context(files: ProjectFiles, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of the list of files and the file that the address names.

    By default, that is the main module. Raises Http404 if there is no such file.
    """
    path = query.get(_FILE) or _first(files)
    if path not in files:
        raise Http404("There is no such file.")
    rows = sorted(map(_row, files.items()), key=lambda row: (row.folder, row.name))
    folders = [(folder, list(group)) for folder, group in groupby(rows, lambda row: row.folder)]
    shown = ShownFile(path=path, text=text_of(files, path), description=size_and_hash(files[path]))
    return {"folders": folders, "file": shown, "file_count": len(files)}


def _row(item: tuple[str, Any]) -> FileRow:
    path, file = item
    folder, _, name = path.rpartition("/")
    size = len(content_of(file))
    return FileRow(path=path, folder=folder, name=name, size=size, is_text=isinstance(file, str))


def _first(files: ProjectFiles) -> str:
    main = read_config(files).main
    return main if main in files else next(iter(sorted(files)), "")


def is_file_download(query: Mapping[str, Any]) -> bool:
    """Whether the address asks for one file, to be stored by the browser."""
    return "download" in query and _FILE in query


def download(files: ProjectFiles, query: Mapping[str, Any]) -> HttpResponse:
    """Return the exact bytes of the file that the address names; raises Http404 if there is none."""
    path = query.get(_FILE, "")
    if path not in files:
        raise Http404("There is no such file.")
    is_text = isinstance(files[path], str)
    name = path.rpartition("/")[2]
    return HttpResponse(
        content_of(files[path]),
        content_type="text/plain; charset=utf-8" if is_text else "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name)
            or "attachment"
        },
    )


@dataclass(frozen=True, slots=True)
class FileLinks:
    """The pages of the files of a project; `base` is their address up to a path."""

    base: str = ""
    paths: frozenset[str] = frozenset()

    def url(self, path: str, line: int = 0) -> str:
        """Return the address of a line of a file; "" if it is not a file of the project."""
        return line_url(self.base, path, line) if path in self.paths else ""

    def linked(self, row: dict[str, Any]) -> dict[str, Any]:
        """Add the link to the file of a finding, if it is about one."""
        url = self.url(str(row.get("path") or ""), int(row.get("line") or 0))
        return {**row, "url": url} if url else row


NO_LINKS: Final = FileLinks()


def links_of_deployment(deployment: Deployment) -> FileLinks:
    """Return the links to the files of a deployment; there are none for other workflows."""
    rows = Deployment.objects.filter(pk=deployment.pk)
    files = rows.values_list("files", flat=True).first()
    return FileLinks(deployed_files_url(deployment), frozenset(files)) if files else NO_LINKS


def links_of_version(version: WorkflowVersion) -> FileLinks:
    """Return the links to the files of a version."""
    if not version.files:
        return NO_LINKS
    base = version_files_url(version.workflow_id, version.number)
    return FileLinks(base, frozenset(version.files))


def links_of_draft(workflow: Workflow) -> FileLinks:
    """Return the links to the files of the draft."""
    if not workflow.files:
        return NO_LINKS
    return FileLinks(draft_files_url(workflow), frozenset(workflow.files))


def version_files_url(workflow_id: str, number: int) -> str:
    """Return the page of a version's files, up to the path of a file, to which a line can be added."""
    return reverse("deployments:version_part", args=[workflow_id, number, FILES]) + f"?{_FILE}="


def draft_files_url(workflow: Workflow) -> str:
    """Return the page of the draft's files, up to the path of a file."""
    return reverse("deployments:workflow_code_part", args=[workflow.pk, FILES]) + f"?{_FILE}="


def deployed_files_url(deployment: Deployment) -> str:
    """Return the page of the files of a deployment, up to the path of a file.

    That is the page of its version, or if the workflow was deleted, the deployment's own.
    """
    if has_version(deployment):
        return version_files_url(deployment.workflow_public_id, deployment.version_number)
    return reverse("deployments:deployment_code", args=[deployment.pk]) + f"?{_FILE}="


def is_of_project(deployment: Deployment) -> bool:
    """Whether a project was deployed, without loading its files."""
    return Deployment.objects.filter(pk=deployment.pk, ir__kind=PROJECT).exists()


def has_version(deployment: Deployment) -> bool:
    """Whether the version of a deployment still exists."""
    versions = WorkflowVersion.objects.filter(workflow=deployment.workflow_id)
    return versions.filter(number=deployment.version_number).exists()


def line_url(base: str, path: str, line: int) -> str:
    """Return the address of a line of a file; 0 is the whole file."""
    return f"{base}{quote(path)}" + (f"#L{line}" if line else "")
