"""Admin pages of deployments, and their extensions of the workflow and target pages."""

from __future__ import annotations

from deployments.admin import deployments

__all__ = ["deployments"]
