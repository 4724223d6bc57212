"""Masking of secrets in the output of programs and in what targets return."""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from ahocorasick import Automaton

MASK: Final = "•••"
TRUNCATED: Final = "[truncated output]"
"""What targets write after the beginning of a text that is too long."""
TOO_DEEP: Final = "(nested too deeply to be shown)"
_MIN_LENGTH: Final = 4
_LONG: Final = 8
_SHORTEST_START: Final = 4  # of a secret at the end of a text that was truncated
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_PREFIXED: Final = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_COMPONENT: Final = "!'()*~"  # what encodeURIComponent keeps, besides letters, digits, - . _
_ASCII: Final = string.printable.strip() + " "
# By the URL standard in a query (with and without http), a path, a fragment, and a user's name or password.
_ENCODED_IN_URLS: Final = (" \"#<>'", ' "#<>', ' "#<>?^`{}', ' "<>`', ' "#<>?^`{}/:;=@[\\]|')
_ENTITIES: Final[tuple[dict[str, str], ...]] = (
    {},
    {'"': "&quot;"},
    {'"': "&quot;", "'": "&apos;"},
    {'"': "&quot;", "'": "&#39;"},
    {'"': "&quot;", "'": "&#x27;"},
    {'"': "&#34;", "'": "&#39;"},
)
_MAX_PLAIN_NUMBER: Final = 1e21  # JavaScript writes larger numbers with an exponent


def redact(text: str, secrets: Iterable[str]) -> str:
    """Mask each secret and its usual encodings; no part of one that overlaps another remains.

    Secrets of up to three characters are not masked: masking each "e" of a text would reveal it.
    Secrets of up to seven letters and digits are masked only as whole words, for the same reason.
    A text that a target has truncated may end with the start of a secret, which is masked as well.
    """
    return _masker(frozenset(secrets)).text(text)


def redact_beginning(text: str, secrets: Iterable[str]) -> str:
    """Mask like `redact`; the text was truncated, and may end with the start of a secret."""
    return _masker(frozenset(secrets)).beginning(text)


def redact_json(value: Any, secrets: Iterable[str]) -> Any:
    """Return the JSON value with the secrets masked in its strings, keys and numbers.

    A value that is nested too deeply to be searched is replaced with a note.
    """
    try:
        return _masker(frozenset(secrets)).json(value)
    except RecursionError:
        return TOO_DEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class _Masker:
    """Finds all forms of a set of secrets in one pass; `numbers` are those that are a number.

    `starts` are the same forms by their first characters, and `longest` is the length of the longest.
    """

    forms: Automaton | None
    numbers: frozenset[float]
    starts: Mapping[str, Sequence[str]]
    longest: int

    def text(self, text: str) -> str:
        if text.endswith(TRUNCATED):
            return self.beginning(text.removesuffix(TRUNCATED)) + TRUNCATED
        return self._whole(text)

    def beginning(self, text: str) -> str:
        masked = self._whole(text)
        for at in range(max(len(masked) - self.longest, 0), len(masked)):
            forms = self.starts.get(masked[at : at + _SHORTEST_START], ())
            if any(form.startswith(masked[at:]) for form in forms):
                return masked[:at] + MASK
        return masked

    def _whole(self, text: str) -> str:
        if self.forms is None:
            return text
        parts, end = [], 0
        for start, stop in _merged(self._spans(self.forms, text)):
            parts += [text[end:start], MASK]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def _spans(self, forms: Automaton, text: str) -> Iterator[tuple[int, int]]:
        for last, form in forms.iter(text):
            start, stop = last + 1 - len(form), last + 1
            if len(form) >= _LONG or not form.isalnum() or _is_word(text, start, stop):
                yield start, stop

    def json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return MASK if is_number and self._is_secret(value) else value

    def _object(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the masked object; keys that are equal when masked are numbered."""
        masked: dict[str, Any] = {}
        for key, item in value.items():
            name = unique = self.text(str(key))
            number = 1
            while unique in masked:
                number += 1
                unique = f"{name} {number}"
            masked[unique] = self.json(item)
        return masked

    def _is_secret(self, number: float) -> bool:
        try:
            if float(number) in self.numbers:
                return True
        except OverflowError:  # larger than any number in JavaScript
            pass
        text = str(Decimal(number)) if isinstance(number, int) else repr(number)
        return self.text(text) != text


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join the spans that overlap."""
    start = stop = -1
    for next_start, next_stop in sorted(spans):
        if next_start < stop:
            stop = max(stop, next_stop)
            continue
        if stop > start:
            yield start, stop
        start, stop = next_start, next_stop
    if stop > start:
        yield start, stop


def _is_word(text: str, start: int, stop: int) -> bool:
    before, after = text[start - 1 : start], text[stop : stop + 1]
    return not before.isalnum() and not after.isalnum()


@lru_cache(maxsize=32)
def _masker(secrets: frozenset[str]) -> _Masker:
    """Return the masker of these secrets, which takes longer to build than to use."""
    hidden = [secret for secret in secrets if len(secret) >= _MIN_LENGTH]
    numbers = {number for secret in hidden if (number := _number(secret)) is not None}
    forms = {form for secret in hidden for form in _forms(secret) if len(form) >= _MIN_LENGTH}
    forms |= {_javascript(number) for number in numbers}
    automaton = Automaton()
    starts: dict[str, list[str]] = {}
    for form in forms:
        automaton.add_word(form, form)
        starts.setdefault(form[:_SHORTEST_START], []).append(form)
    if forms:
        automaton.make_automaton()
    return _Masker(
        forms=automaton if forms else None,
        numbers=frozenset(numbers),
        starts=starts,
        longest=max(map(len, forms), default=0),
    )


def _number(secret: str) -> float | None:
    """Return what `Number(secret)` is in JavaScript; None if it is not a number, or is short."""
    text = secret.strip()
    if _PREFIXED.fullmatch(text):
        number = float(int(text, 0)) if len(text) < 250 else float("inf")
    elif _NUMBER.fullmatch(text):
        number = float(text)
    else:
        return None
    is_usable = abs(number) != float("inf") and len(_javascript(number)) >= _MIN_LENGTH
    return number if is_usable else None


def _javascript(number: float) -> str:
    """Return the number as JavaScript and JSON write it."""
    if abs(number) >= _MAX_PLAIN_NUMBER or not number.is_integer():
        return repr(number)
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from _url_forms(secret)
    yield from (escape(secret, entities) for entities in _ENTITIES)
    yield from _quoted_forms(secret)
    yield from _base64_forms(secret.encode())
    yield from (line for line in secret.splitlines() if len(line) >= 8)


def _url_forms(secret: str) -> Iterator[str]:
    """Yield the secret as each of the usual functions writes it in a URL: Python's, then JavaScript's."""
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield quote(secret, safe=_COMPONENT)
    yield quote(secret, safe=_COMPONENT + ";,/?:@&=+$#")  # encodeURI
    yield quote_plus(secret, safe="*").replace("~", "%7E")  # URLSearchParams
    parsed = re.sub(r"[\t\n\r]", "", secret)
    for encoded in _ENCODED_IN_URLS:
        safe = "".join(set(_ASCII) - set(encoded))
        for text in (secret, parsed, parsed.replace("\\", "/")):
            yield quote(text, safe=safe)


def _quoted_forms(secret: str) -> Iterator[str]:
    """Yield the secret as in JSON, in JSON within JSON, and as consoles show it within quotes."""
    for is_ascii in (True, False):
        in_json = json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        yield from (in_json, in_json.replace("/", "\\/"))
        yield json.dumps(in_json, ensure_ascii=is_ascii)[1:-1]
    yield in_json.replace('\\"', '"')
    yield in_json.replace('\\"', '"').replace("'", "\\'")


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield the part of the secret's base64 that does not depend on what surrounds it.

    Three bytes become four characters, so the secret can start at three offsets; characters that
    share bits with the surrounding bytes are left out.
    """
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret)
        stable = encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6].decode()
        if len(stable) >= 6:
            yield stable
            yield stable.replace("+", "-").replace("/", "_")
