"""The instructions of the Dockerfile."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.support.installation import PROJECT

DOCKERFILE = PROJECT / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """Return the words of an instruction in the shell's form or in JSON, without its options."""
        text = self.value.removeprefix("CMD ") if self.name == "HEALTHCHECK" else self.value
        if text.startswith("["):
            return [str(word) for word in json.loads(text)]
        return [word for word in shlex.split(text) if not word.startswith("--")]


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    instructions: tuple[Instruction, ...]

    def named(self, name: str) -> list[Instruction]:
        return [found for found in self.instructions if found.name == name]


def stages(file: Path = DOCKERFILE) -> list[Stage]:
    """Return the stages in order; what stands before the first one is left out."""
    parsed = DockerfileParser(fileobj=io.BytesIO(file.read_bytes())).structure
    found = [Instruction(entry["instruction"], entry["value"]) for entry in parsed]
    starts = [at for at, one in enumerate(found) if one.name == "FROM"]
    return [
        Stage(found[start].value.partition(" AS ")[2], tuple(found[start:end]))
        for start, end in zip(starts, [*starts[1:], len(found)], strict=True)
    ]


def variables(stage: Stage) -> dict[str, str]:
    """Return the environment variables that the stage sets."""
    words = [word for found in stage.named("ENV") for word in found.words]
    return dict(word.split("=", 1) for word in words)
