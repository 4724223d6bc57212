"""The admin pages of deployments, and of workflows and targets as far as deployments extend them."""

from __future__ import annotations

from deployments.admin import deployments

__all__ = ["deployments"]
