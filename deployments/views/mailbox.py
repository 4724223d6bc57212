"""The emails that Workers on the embedded platform sent."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from targets.cloudflare import naming
from targets.cloudflare.errors import DeployError
from targets.cloudflare.mailbox import Email, list_emails
from targets.lookup import account_of
from targets.models import Target
from targets.permissions import CHANGE_TARGET, CHECK, VIEW_TARGET
from toolchain.redaction import redact
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.masked_values import masked_values


@require_safe
@staff_with(CHECK)
def mailbox(request: HttpRequest, pk: int) -> HttpResponse:
    """List the newest emails; only the embedded platform stores emails."""
    embedded = Target.objects.filter(embedded=True).defer("api_token")
    target = get_object_or_404(embedded, pk=pk)
    context: dict[str, Any] = {
        "target": target,
        "may_view": request.user.has_perm(VIEW_TARGET) or request.user.has_perm(CHANGE_TARGET),
    }
    try:
        emails, context["total"] = list_emails(account_of(target))
        context["emails"] = [_masked(email) for email in emails]
    except DeployError as refused:
        context["refused"] = str(refused)
    return page(request, "deployments/mailbox", context)


def _masked(email: Email) -> Email:
    """Return the email without the values of secrets."""
    hide = partial(redact, secrets=masked_values(naming.workflow_id(email.worker)))
    return replace(
        email,
        sender=hide(email.sender),
        recipients=hide(email.recipients),
        subject=hide(email.subject),
        text=hide(email.text),
        html=hide(email.html),
    )
