"""A damaged zip is refused, and nothing else happens."""

from __future__ import annotations

from contextlib import suppress
from random import Random

from tests.support.examples import examples
from tests.workflows.documents.archive.test_reading import ARCHIVE, zipped
from workflows.documents.archive.content import Archive, InvalidArchive
from workflows.documents.archive.reading import read
from workflows.documents.archive.writing import write


def test_random_damage_is_refused_or_does_no_harm() -> None:
    random = Random(7)  # noqa: S311 - the same every time
    originals = [write(ARCHIVE), zipped()]
    for _ in range(examples(500, 20_000)):
        data = bytearray(random.choice(originals))
        for _ in range(random.choice([1, 1, 2, 8])):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < 0.2:
            del data[random.randrange(len(data)) :]
        with suppress(InvalidArchive):
            assert isinstance(read(bytes(data)), Archive)
