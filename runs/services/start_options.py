"""Options of a new run: how long it is kept, and where it should run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from targets.cloudflare.errors import DeployError
from workflows.ir.deploy.workflow_settings import MAX_RETENTION
from workflows.ir.reading import durations
from workflows.ir.reading.problems import quoted
from workflows.node_forms.field_kinds import typed_duration

LOCATIONS: Final[Mapping[str, str]] = {
    "wnam": "Western North America",
    "enam": "Eastern North America",
    "sam": "South America",
    "weur": "Western Europe",
    "eeur": "Eastern Europe",
    "apac": "Asia-Pacific",
    "apac-ne": "Northeast Asia-Pacific",
    "apac-se": "Southeast Asia-Pacific",
    "oc": "Oceania",
    "afr": "Africa",
    "me": "Middle East",
}


class InvalidOption(DeployError):
    """An option cannot be used; nothing was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """Retention in milliseconds, instead of the Workflow's, and a hint about where to run."""

    success_retention: int | None = None
    error_retention: int | None = None
    location: str = ""

    def as_request(self) -> dict[str, Any]:
        """Return the options as members of the API's request."""
        retention = {
            key: value
            for key, value in (
                ("success_retention", self.success_retention),
                ("error_retention", self.error_retention),
            )
            if value is not None
        }
        return {
            **({"instance_retention": retention} if retention else {}),
            **({"location_hint": self.location} if self.location else {}),
        }

    def as_detail(self) -> dict[str, str]:
        """Return the options as the audit trail records them."""
        times = {"completed": self.success_retention, "failed": self.error_retention}
        kept = [
            f"{durations.words(time)} if {how}" for how, time in times.items() if time is not None
        ]
        detail = {"kept": ", ".join(kept), "location": self.location}
        return {key: value for key, value in detail.items() if value}


NO_OPTIONS: Final = StartOptions()


def read_options(*, success: str = "", error: str = "", location: str = "") -> StartOptions:
    """Return the options that were typed; "" is none. Raises InvalidOption."""
    if location and location not in LOCATIONS:
        raise InvalidOption(
            f"There is no location {quoted(location)}. Use one of {', '.join(LOCATIONS)}."
        )
    return StartOptions(
        success_retention=_retention(success),
        error_retention=_retention(error),
        location=location,
    )


def _retention(text: str) -> int | None:
    if not text.strip():
        return None
    typed = typed_duration(text.strip())
    length = durations.milliseconds(typed) if isinstance(typed, str) else typed
    if not length or length > MAX_RETENTION:
        raise InvalidOption(
            f'A run is kept for a duration of up to 30 days, such as "3 days", not {quoted(text)}.'
        )
    return length
