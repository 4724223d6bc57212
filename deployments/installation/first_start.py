"""The first start of an installation: creates an administrator and a sample."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files

from django.conf import settings
from django.contrib.auth import get_user_model

from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor
from deployments.models import Deployment, StageRecord
from deployments.queue.progress import wait_until_final
from deployments.services.deploy import request_deployment
from targets.lookup import embedded_target
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import import_document, set_variable

ADMINISTRATOR = "admin"
SAMPLE_VARIABLE = "CLOUDFLARE_API"
_BY = Actor(None, "first start")
_LOCAL = "http://127.0.0.1:"


def create_administrator() -> str:
    """Create the first superuser and return its password; "" if there is one already."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return ""
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMINISTRATOR, password=password)
    return password


def create_sample() -> Workflow | None:
    """Import the sample, unless the installation has ever had a workflow."""
    if Workflow.objects.exists() or Deployment.objects.exists():
        _update_port()
        return None
    document = json.loads(files("workflows").joinpath("samples/guide.ir.json").read_text("utf-8"))
    sample = import_document(document, by=_BY)
    set_variable(SAMPLE_VARIABLE, _local_api(), workflow=sample, by=_BY)
    return sample


def deploy_sample(on_stage: Callable[[StageRecord], None]) -> Deployment | None:
    """Deploy the sample, unless anything has been deployed before."""
    sample = Workflow.objects.filter(variables__name=SAMPLE_VARIABLE).first()
    if sample is None or Deployment.objects.exists():
        return None
    return wait_until_final(request_deployment(sample, target=embedded_target(), by=_BY), on_stage)


def _local_api() -> str:
    return f"{_LOCAL}{settings.AWAITSTEP.local_cloudflare_port}/client/v4"


def _update_port() -> None:
    """Update the sample's variables if the embedded platform's port has changed."""
    for variable in EnvironmentVariable.objects.filter(name=SAMPLE_VARIABLE, is_secret=False):
        with suppress(UnreadableSecret):  # the next deploy reports the problem
            if variable.value.startswith(_LOCAL) and variable.value != _local_api():
                set_variable(SAMPLE_VARIABLE, _local_api(), workflow=variable.workflow, by=_BY)
