"""The specification: ninja's, with problems as errors and both ways to authenticate."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.conf import settings
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from api.conventions.problems import CONTENT_TYPE

_FIRST_ERROR: Final = 400
_JSON: Final = "application/json"


class AwaitStepAPI(NinjaAPI):
    """The API of this project."""

    @cache  # noqa: B019 - there is one API for as long as the process lives
    def specification(self) -> OpenAPISchema:
        """Return the specification, which takes long to write and never changes."""
        return self._written(path_params={})

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        return self._written(**options) if options.get("path_prefix") else self.specification()

    def _written(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["securitySchemes"] = _security_schemes()
        for path in schema["paths"].values():
            for operation in path.values():
                _correct_errors(operation["responses"])
        return schema


def _security_schemes() -> dict[str, Any]:
    return {
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "ask_…"},
        "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
    }


def _correct_errors(responses: dict[Any, Any]) -> None:
    """Give errors the content type that they have."""
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= _FIRST_ERROR and _JSON in content:
            response["content"] = {CONTENT_TYPE: content[_JSON]}
