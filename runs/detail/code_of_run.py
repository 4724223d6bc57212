"""The code of a project's run: its class, and the file and line of each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from deployments.models import Deployment
from deployments.presentation.project_files import deployed_files_url
from runs.models import Run
from workflows.picture.drawing import Picture
from workflows.picture.from_code.drawing import draw_class, link_to
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import NodeState


@dataclass(frozen=True)
class CodeOfRun:
    """The picture of the class that a run executes, with links to the files of its version."""

    run: Run
    picture: CodePicture

    @property
    def class_name(self) -> str:
        return self.picture.class_name

    @cached_property
    def files_url(self) -> str:
        """The page of the files, up to a path."""
        fields = ("workflow", "workflow_public_id", "version_number")
        return deployed_files_url(Deployment.objects.only(*fields).get(runs=self.run))

    @cached_property
    def places(self) -> Mapping[str, tuple[str, str]]:
        """The address and the words of the line of each node, by its id."""
        return {
            id_: (link_to(place, self.files_url), f"{place.file}, line {place.line}")
            for id_, place in self.picture.places.items()
        }

    def drawn(self, states: Mapping[str, NodeState]) -> Picture:
        """Draw the class with the states of its nodes, each with a link to its line."""
        return draw_class(self.picture, states, base=self.files_url)
