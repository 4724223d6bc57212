"""The Django permissions that the pages of alerts require."""

from __future__ import annotations

from typing import Final

VIEW: Final = "alerts.view_alert"
ACKNOWLEDGE: Final = "alerts.acknowledge_alert"
CHANGE_CHANNEL: Final = "alerts.change_alertchannel"
