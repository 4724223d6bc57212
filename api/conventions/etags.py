"""ETags of what can be changed by several people, and `If-Match`."""

from __future__ import annotations

from django.http import HttpRequest

from api.conventions.problems import ApiError


def etag_of(revision: int) -> str:
    """Return the ETag of a revision of a draft."""
    return f'"{revision}"'


def is_known(request: HttpRequest, etag: str) -> bool:
    """Whether the client has this state already."""
    return _matches(request.headers.get("If-None-Match", ""), etag)


def require_match(request: HttpRequest, etag: str, *, is_required: bool) -> None:
    """Raise ApiError if the client has seen another state, or does not say which, but has to."""
    header = request.headers.get("If-Match", "")
    if not header and is_required:
        raise ApiError(
            428, "Send the ETag that you have read in the header If-Match, so that nothing is lost."
        )
    if header and not _matches(header, etag):
        message = f"The draft has changed since you have read it. Its ETag is now {etag}."
        raise ApiError(412, message, headers={"ETag": etag})


def _matches(header: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
