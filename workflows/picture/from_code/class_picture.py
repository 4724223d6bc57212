"""The picture of a class in the files of a project. Reading them takes place in a separate process."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from toolchain import bounded_calls
from workflows.picture.from_code.items import Place, from_json
from workflows.picture.from_code.model import ClassCode, CodePicture, CodeProblem
from workflows.picture.from_code.reader.class_reader import read_class
from workflows.picture.from_code.reader.files import EXTENSIONS, MAX_FILE
from workflows.picture.from_code.structure import document_of

MAX_TOTAL: Final = 16_000_000  # characters of all files
_SECONDS: Final = 3.0  # of CPU time
_REMEMBERED: Final = 64
TOO_SLOW: Final = "There is no picture, because the code takes too long to read."
FAILED: Final = "There is no picture, because the code could not be read."

_Request = tuple[dict[str, str], str, str, dict[str, list[str]]]
_known: OrderedDict[bytes, CodePicture] = OrderedDict()
_lock = threading.Lock()


def picture_of_class(
    files: Mapping[str, object],
    main: str,
    class_name: str,
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> CodePicture:
    """Return the picture of a class that the file `main` exports; never raises, whatever the files contain.

    `files` are texts by relative path. Values that are not text, such as {"base64": ...}, and files that
    are not TypeScript or JavaScript are ignored. `aliases` are paths that imports can be written with,
    such as {"@/*": ["src/*"]}.
    """
    request = (
        _sources(files),
        main,
        class_name,
        {name: [*paths] for name, paths in (aliases or {}).items()},
    )
    key = _key(request)
    with _lock:
        known = _known.get(key)
    if known is not None:
        return known
    picture = _read(request)
    with _lock:
        _known[key] = picture
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return picture


def _sources(files: Mapping[str, object]) -> dict[str, str]:
    """Return the files with code; if there is too much, without those that are too long to be read anyway."""
    texts = {
        path: source
        for path, source in files.items()
        if isinstance(source, str) and path.endswith(EXTENSIONS) and "node_modules/" not in path
    }
    if sum(map(len, texts.values())) <= MAX_TOTAL:
        return texts
    return {path: source for path, source in texts.items() if len(source) <= MAX_FILE}


def _key(request: _Request) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(request, sort_keys=True).encode())
    return digest.digest()


def _read(request: _Request) -> CodePicture:
    class_name = request[2]
    try:
        found = bounded_calls.call(read_class, *request, seconds=_SECONDS)
    except bounded_calls.TookTooLong:
        return CodePicture(class_name=class_name, message=TOO_SLOW)
    except bounded_calls.CallFailed:
        return CodePicture(class_name=class_name, message=FAILED)
    problems = tuple(CodeProblem(**problem) for problem in found["problems"])
    if not found["items"]:
        return CodePicture(class_name=class_name, message=found["message"], problems=problems)
    code = ClassCode(
        name=class_name, place=Place(**found["place"]), items=tuple(from_json(found["items"]))
    )
    return document_of(code, problems=problems, is_complete=found["is_complete"])
