"""The manifest of a backup: what it contains, and which version of AwaitStep made it."""

from __future__ import annotations

import reprlib
import tomllib
from datetime import datetime
from importlib import metadata
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from toolchain.checkout import IS_CHECKOUT, PROJECT

FORMAT: Final = 1
NAME: Final = "manifest.json"


class InvalidBackup(Exception):
    """The file is not a complete backup that this version can restore; the message says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredFile(_Strict):
    """A file of the backup, as it was written."""

    name: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(_Strict):
    """`migrations` are those that the database has, as "app.name"; `engine` is Django's vendor.

    The patterns keep control characters and long texts out of what is printed.
    """

    format: Literal[1] = 1
    product: Literal["awaitstep"] = "awaitstep"
    version: Annotated[str, Field(pattern=r"^[\w.+-]{1,50}$")]
    created_at: datetime
    engine: Annotated[str, Field(pattern=r"^\w{1,50}$")]
    migrations: tuple[Annotated[str, Field(pattern=r"^\w+\.\w+$", max_length=300)], ...]
    database: StoredFile

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Return the manifest; raises InvalidBackup, which names what is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidBackup(_problem(error.errors()[0])) from None

    def serialize(self) -> str:
        return self.model_dump_json(indent=2) + "\n"


def _problem(details: Any) -> str:
    if details["loc"] == ("format",):
        return (
            f"The backup has the format {reprlib.repr(details['input'])}, and this version of AwaitStep reads "
            f"{FORMAT}. Restore it with the version that made it, or a newer one."
        )
    where = reprlib.repr(".".join(map(str, details["loc"]))) if details["loc"] else "the text"
    return f"The manifest is not valid: {where}: {details['msg']}."


def product_version() -> str:
    """Return the version of AwaitStep, installed or in its own folder."""
    if IS_CHECKOUT:
        return str(
            tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
        )
    return metadata.version("awaitstep")
