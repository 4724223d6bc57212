"""What a client gets if the application fails after its response has started."""

from __future__ import annotations

from web.gateway.server import LimitedRequest


class Channel:
    is_closed = False

    def loseConnection(self) -> None:
        self.is_closed = True


def test_a_response_that_has_started_is_cut_off() -> None:
    request, channel = LimitedRequest.__new__(LimitedRequest), Channel()
    request._response_started, request.channel, request.finished = True, channel, 0

    request.handle_exception(ValueError("the database has gone"))

    assert channel.is_closed
