"""The text of API keys. Only its hash is stored, so nobody can see a key again after it was created."""

from __future__ import annotations

import secrets
import string
from hashlib import sha256
from typing import Final

PREFIX: Final = "ask_"
LENGTH: Final = 40
"""The random characters after the prefix: 238 bits, so a hash without a salt is enough."""
SHOWN: Final = len(PREFIX) + 6
"""How many characters of a key are kept, for people to recognize it."""
_ALPHABET: Final = string.ascii_letters + string.digits


def new_token() -> str:
    """Return a new key."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def is_token(text: str) -> bool:
    """Whether the text looks like a key."""
    body = text.removeprefix(PREFIX)
    return len(text) == len(PREFIX) + LENGTH == len(PREFIX) + len(body) and set(body) <= set(
        _ALPHABET
    )


def digest_of(token: str) -> str:
    """Return the hash under which a key is stored."""
    return sha256(token.encode()).hexdigest()


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header; "" if it has another scheme."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""
