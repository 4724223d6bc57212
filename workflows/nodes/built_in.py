"""The built-in node types: one module per type, all of the same shape."""

from __future__ import annotations

from workflows.ir.document.registry import Registry
from workflows.nodes import (
    branch,
    break_,
    http_request,
    loop,
    parallel,
    race,
    start_many,
    step,
    sub_script,
    sub_workflow,
    transform,
    try_catch,
)
from workflows.nodes.waits import (
    debounce,
    human_approval,
    rate_limit,
    sleep,
    sleep_until,
    wait_for_event,
    wait_until,
)

BUILT_IN = (
    step.TYPE,
    transform.TYPE,
    sleep.TYPE,
    sleep_until.TYPE,
    wait_for_event.TYPE,
    human_approval.TYPE,
    wait_until.TYPE,
    debounce.TYPE,
    rate_limit.TYPE,
    http_request.TYPE,
    branch.TYPE,
    parallel.TYPE,
    race.TYPE,
    loop.TYPE,
    try_catch.TYPE,
    break_.TYPE,
    sub_workflow.TYPE,
    start_many.TYPE,
    sub_script.TYPE,
)

NODE_TYPES = Registry(BUILT_IN)
