"""Keys with which nodes sign requests, and checks of these signatures as the receivers make them."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

WEBHOOK_SECRET: Final = f"whsec_{b64encode(sha256(b'webhooks of the tests').digest()).decode()}"
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"
_TOLERANCE: Final = 300
_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_PEM: Final = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SERVICE_ACCOUNT: Final = json.dumps(
    {
        "type": "service_account",
        "private_key_id": "key-1",
        "private_key": _PEM,
        "client_email": "sheets@shop.iam.gserviceaccount.com",
        "token_uri": TOKEN_URL,
    },
    indent=2,
)
PRIVATE_KEY_LINE: Final = _PEM.splitlines()[1]
"""A part of the private key that is the same in JSON, however often it is escaped."""


def is_webhook_signature(signature: str, headers: Mapping[str, str], body: str) -> bool:
    """Return whether a receiver that follows the Standard Webhooks specification accepts it."""
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    made = b64encode(digest(key, f"{id_}.{timestamp}.{body}".encode(), "sha256")).decode()
    matches = [compare_digest(each, f"v1,{made}") for each in signature.split(" ")]
    return bool(id_) and timestamp.isdecimal() and _is_now(int(timestamp)) and any(matches)


def is_assertion(token: str) -> bool:
    """Return whether Google accepts it as the assertion of the service account."""
    content, _, signature = token.rpartition(".")
    try:
        _KEY.public_key().verify(
            _decoded(signature), content.encode(), padding.PKCS1v15(), SHA256()
        )
    except InvalidSignature:
        return False
    header, claims = (json.loads(_decoded(part)) for part in content.split("."))
    issued = claims.pop("iat")
    return (
        header == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
        and _is_now(issued)
        and claims
        == {
            "iss": "sheets@shop.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/spreadsheets",
            "aud": TOKEN_URL,
            "exp": issued + 3600,
        }
    )


def _is_now(seconds: int) -> bool:
    return abs(time.time() - seconds) < _TOLERANCE


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
