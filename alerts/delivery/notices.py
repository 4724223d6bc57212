"""What messages say about alerts, in words and as JSON. Imports nothing of Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

_SHOWN: Final = 20  # alerts in a text; a webhook gets all of them
_EVENTS: Final = {"fired": "Fired", "reminder": "Still open", "resolved": "Resolved"}
_TEST: Final = "This is a test message from AwaitStep. The channel works."
_ESCAPES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a message says about an alert; times are ISO texts, and `url` is "" if the address is not known."""

    alert: int
    event: str
    rule: str
    condition: str
    workflow: str
    workflow_id: str
    target: str
    reason: str
    resolution: str
    count: int
    fired_at: str
    resolved_at: str
    url: str

    def as_row(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Notice:
        return cls(**row)

    @property
    def title(self) -> str:
        return f"{_EVENTS[self.event]}: {self.rule}: {self.workflow} on {self.target}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines below the title."""
        count = (f"{self.count} failures since {_clock(self.fired_at)}",) if self.count > 1 else ()
        if self.event != "resolved":
            return (self.reason, *count)
        times = f"Fired at {_clock(self.fired_at)}, resolved at {_clock(self.resolved_at)}"
        return (self.reason, times, self.resolution)


def _clock(moment: str) -> str:
    """Return an ISO time without its fraction: "2026-01-01 12:00:00+00:00"."""
    return moment.replace("T", " ")


def subject_line(notices: Sequence[Notice], *, is_test: bool) -> str:
    """Return the subject of an e-mail, which has no line breaks."""
    if is_test:
        return "AwaitStep: test message"
    if len(notices) == 1:
        return " ".join(f"AwaitStep: {notices[0].title}".split())
    return f"AwaitStep: {_numbers(notices)}"


def _numbers(notices: Sequence[Notice]) -> str:
    """Return how many notices there are of each kind: "2 fired, 1 resolved"."""
    counts = {
        word.lower(): sum(notice.event == event for notice in notices)
        for event, word in _EVENTS.items()
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def plain_text(notices: Sequence[Notice], *, is_test: bool) -> str:
    """Return the body of an e-mail."""
    if is_test:
        return f"{_TEST}\n"
    blocks = ["\n".join(filter(None, _block(notice))) for notice in notices[:_SHOWN]]
    return "\n\n".join([*blocks, *_rest(notices)]) + "\n"


def _block(notice: Notice) -> tuple[str, ...]:
    return (notice.title, *notice.lines, notice.url)


def _rest(notices: Sequence[Notice]) -> list[str]:
    more = len(notices) - _SHOWN
    return [f"And {more} more."] if more > 0 else []


def slack_body(notices: Sequence[Notice], *, is_test: bool) -> dict[str, Any]:
    """Return the JSON of a Slack message."""
    if is_test:
        return {"text": _TEST}
    blocks = [_slack_block(notice) for notice in notices[:_SHOWN]]
    return {"text": "\n\n".join([*blocks, *_rest(notices)])}


def _slack_block(notice: Notice) -> str:
    """Return a notice as text of Slack, in which only the title is formatted."""
    title = _escaped(notice.title)
    head = f"<{_escaped(notice.url)}|{title.replace('|', '¦')}>" if notice.url else f"*{title}*"
    return "\n".join([head, *(_escaped(line) for line in notice.lines if line)])


def _escaped(text: str) -> str:
    """Return text in which Slack finds no links, mentions or entities."""
    for character, entity in _ESCAPES:
        text = text.replace(character, entity)
    return text


def webhook_body(notices: Sequence[Notice], *, is_test: bool, created_at: str) -> dict[str, Any]:
    """Return the JSON of a webhook, with `type`, `timestamp` and `data` as in Standard Webhooks."""
    kind = "alerts.test" if is_test else "alerts.changed"
    alerts = [notice.as_row() for notice in notices]
    return {"type": kind, "timestamp": created_at, "data": {"alerts": alerts}}
