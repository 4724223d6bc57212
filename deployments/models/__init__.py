"""Deployments, their stages, outputs and leases, Workflows of projects, and drift checks."""

from __future__ import annotations

from deployments.models.deployment import Deployment
from deployments.models.drift_check import DriftCheck, DriftState
from deployments.models.lease import Lease, ProcessLease
from deployments.models.output import ProgramOutput
from deployments.models.project_workflow import ProjectWorkflow
from deployments.models.stage_record import StageRecord

__all__ = [
    "Deployment",
    "DriftCheck",
    "DriftState",
    "Lease",
    "ProcessLease",
    "ProgramOutput",
    "ProjectWorkflow",
    "StageRecord",
]
