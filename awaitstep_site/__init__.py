"""The Django project: settings, URLs and the ASGI application."""

from __future__ import annotations
