"""How a key of a wrangler configuration is treated, and which values it can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Use(StrEnum):
    """The classes of keys: every key of wrangler's schema belongs to one."""

    READ = "read"
    BUNDLER = "passed to the bundler"
    MANAGED = "managed here or ignored"
    REFUSED = "refused"


class Kind(StrEnum):
    """The values of a key, described for a sentence."""

    TEXT = "text"
    FLAG = "true or false"
    NUMBER = "a number"
    TEXTS = "a list of strings"
    TEXT_OR_TEXTS = "text or a list of strings"
    NUMBER_OR_NULL = "a number or null"
    NUMBER_OR_TEXT = "a number or text"
    TEXT_MAP = "an object whose values are strings"
    VALUES = "an object"
    OBJECT = "an object, which is a table in TOML"
    OBJECTS = "a list of objects, which is written [[...]] in TOML"
    ROUTE = "text or an object"
    ROUTES = "a list of strings or objects"
    ANY = "any value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key; `about` says why it is ignored or refused and what to do, "" if nobody needs to know.

    For a required key, it says what to write. `members` are the keys of an object, or of each object in a list.
    """

    use: Use
    kind: Kind = Kind.ANY
    about: str = ""
    required: bool = False
    options: tuple[str, ...] = ()
    members: Mapping[str, Key] = field(default_factory=dict)


def read(kind: Kind, *, options: tuple[str, ...] = ()) -> Key:
    """Return an optional key that is read."""
    return Key(use=Use.READ, kind=kind, options=options)


def required(kind: Kind, example: str = "") -> Key:
    """Return a key that its object must have, and what to write if it is missing."""
    return Key(use=Use.READ, kind=kind, required=True, about=example)


def bundler(kind: Kind) -> Key:
    """Return a key that the bundler receives."""
    return Key(use=Use.BUNDLER, kind=kind)


def managed(kind: Kind, about: str = "") -> Key:
    """Return a key that has no effect here."""
    return Key(use=Use.MANAGED, kind=kind, about=about)


def refused(about: str) -> Key:
    """Return a key that cannot be used here, unless its value is empty."""
    return Key(use=Use.REFUSED, about=about)


def table(members: Mapping[str, Key]) -> Key:
    """Return a key whose object is read."""
    return Key(use=Use.READ, kind=Kind.OBJECT, members=members)


def tables(members: Mapping[str, Key]) -> Key:
    """Return a key whose list of objects is read."""
    return Key(use=Use.READ, kind=Kind.OBJECTS, members=members)
