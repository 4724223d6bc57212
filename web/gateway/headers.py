"""Adds security headers to every response: pages, streams, static files and errors."""

from __future__ import annotations

from typing import Any, Final

from web.asgi import Application, Receive, Scope, Send

Header = tuple[bytes, bytes]

# Only what pages use, by name. Scripts, styles and images are files: no inline code, no eval.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
# Browser features that pages do not use. The only ones that they use are copying and pasting text.
_UNUSED_FEATURES: Final = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY: Final = ", ".join(
    [
        *(f"{feature}=()" for feature in _UNUSED_FEATURES),
        "clipboard-read=(self)",
        "clipboard-write=(self)",
    ]
)
HEADERS: Final[tuple[Header, ...]] = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "permissions-policy": PERMISSIONS_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }.items()
)


class SecurityHeaders:
    """Adds the headers that the application has not set."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: dict[str, Any]) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                message = {**message, "headers": _complete(message.get("headers", ()))}
            await send(message)

        await self._application(scope, receive, send_with_headers)


def _complete(headers: Any) -> list[Header]:
    present = {name.lower() for name, _ in headers}
    return [*headers, *(header for header in HEADERS if header[0] not in present)]
