from __future__ import annotations

from tests.pages.conftest import log_in, quick  # noqa: F401 - fixtures
