"""The index of runs, how the poller follows the targets, bulk changes, test runs and traces."""

from __future__ import annotations

from runs.models.approvals import ApprovalDecision
from runs.models.bulk import BulkChange, BulkLease
from runs.models.polling import CallCount, PollStatus, Watcher, Watermark
from runs.models.run import (
    LaterSecrets,
    Retention,
    Run,
    RunChange,
    RunDetails,
    RunStep,
    RunText,
    max_length,
)
from runs.models.test_runs import TestResult, TestRun, TestSetup
from runs.models.traces import RunTrace

__all__ = [
    "ApprovalDecision",
    "BulkChange",
    "BulkLease",
    "CallCount",
    "LaterSecrets",
    "PollStatus",
    "Retention",
    "Run",
    "RunChange",
    "RunDetails",
    "RunStep",
    "RunText",
    "RunTrace",
    "TestResult",
    "TestRun",
    "TestSetup",
    "Watcher",
    "Watermark",
    "max_length",
]
