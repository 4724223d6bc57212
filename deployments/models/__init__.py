from __future__ import annotations

from deployments.models.deployment import Deployment
from deployments.models.lease import HeldLease, Lease
from deployments.models.output import ProgramOutput
from deployments.models.stage_record import StageRecord
from deployments.models.standing import DriftState, Standing
from deployments.models.target import Target

__all__ = [
    "Deployment",
    "DriftState",
    "HeldLease",
    "Lease",
    "ProgramOutput",
    "StageRecord",
    "Standing",
    "Target",
]
