"""Who may do what: every URL with those who may GET and POST it.

A new URL needs a row. Nobody else gets anything but the login page or a refusal; a user who is not staff
never does, whatever groups the user is in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Access = frozenset[str]

ANONYMOUS: Final = "anonymous"
NOT_STAFF: Final = "not staff, but in every group"
STAFF_ONLY: Final = "staff without groups"
VIEWER, EDITOR, DEPLOYER = "Viewer", "Editor", "Deployer"
ADMINISTRATOR, SUPERUSER = "Administrator", "superuser"

NOBODY: Final[Access] = frozenset()
ADMINS: Final[Access] = frozenset({ADMINISTRATOR, SUPERUSER})
EDITORS: Final[Access] = ADMINS | {EDITOR}
DEPLOYERS: Final[Access] = ADMINS | {DEPLOYER}
CHECKERS: Final[Access] = ADMINS | {EDITOR, DEPLOYER}
VIEWERS: Final[Access] = CHECKERS | {VIEWER}
STAFF: Final[Access] = VIEWERS | {STAFF_ONLY}
LOGGED_OUT: Final[Access] = frozenset({ANONYMOUS, NOT_STAFF})
ANYONE: Final[Access] = STAFF | LOGGED_OUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Who may GET and POST; NOBODY includes methods that do not exist.

    A `stream` is served in front of Django, which checks the user itself and answers 501 here.
    """

    get: Access
    post: Access = NOBODY
    stream: bool = False


PAGE: Final = Row(get=VIEWERS)
STREAM: Final = Row(get=NOBODY, stream=True)


def _action(by: Access) -> Row:
    """An action without a page: a GET leads everyone back to the page with its button."""
    return Row(get=ANYONE, post=by)


def _form(by: Access) -> Row:
    return Row(get=by, post=by)


def _model(
    name: str,
    *,
    view: Access,
    add: Access = NOBODY,
    change: Access = NOBODY,
    delete: Access = NOBODY,
) -> dict[str, Row]:
    """The pages that the admin has for every model."""
    base, object_ = f"admin/{name}/", f"admin/{name}/<path:object_id>/"
    return {
        base: _form(view),
        f"{base}add/": _form(add),
        f"{object_}history/": _form(view),
        f"{object_}delete/": _form(delete),
        f"{object_}change/": Row(get=view, post=change),
        object_: _form(STAFF),  # leads to the page where it is changed
    }


_EVERYTHING: Final = {"view": ADMINS, "add": ADMINS, "change": ADMINS, "delete": ADMINS}

TABLE: Final = {
    "admin/": _form(STAFF),
    "admin/login/": Row(get=ANYONE, post=ANYONE),
    "admin/logout/": Row(get=LOGGED_OUT, post=ANYONE),  # leads those to the login page
    "admin/password_change/": _form(STAFF),
    "admin/password_change/done/": Row(get=STAFF),
    "admin/autocomplete/": Row(get=NOBODY),  # no field uses it
    "admin/jsi18n/": Row(get=STAFF),
    "admin/r/<path:content_type_id>/<path:object_id>/": _form(STAFF),
    **_model("audit/entry", view=ADMINS),
    **_model("workflows/workflowversion", view=VIEWERS),
    **_model(
        "workflows/environmentvariable", view=VIEWERS, add=EDITORS, change=EDITORS, delete=EDITORS
    ),
    **_model("workflows/nodetype", view=VIEWERS),
    **_model("workflows/workflow", view=VIEWERS, add=EDITORS, change=EDITORS, delete=ADMINS),
    **_model("targets/target", view=VIEWERS, add=ADMINS, change=ADMINS, delete=ADMINS),
    **_model("deployments/deployment", view=VIEWERS),
    "admin/deployments/deployment/<path:object_id>/change/": _form(STAFF),  # leads to its page
    "admin/deployments/deployment/export/": _form(VIEWERS),
    **_model("runs/retention", **_EVERYTHING),
    **_model("alerts/alertrule", view=VIEWERS, add=EDITORS, change=EDITORS, delete=EDITORS),
    **_model("alerts/alertchannel", **_EVERYTHING),
    **_model("auth/group", **_EVERYTHING),
    **_model("auth/user", **_EVERYTHING),
    "admin/auth/user/<id>/password/": _form(ADMINS),
    "admin/^(?P<app_label>audit|auth|workflows|targets|deployments|runs|alerts|api)/$": _form(
        STAFF
    ),
    "admin/(?P<url>.*)$": _form(STAFF),  # not found
    "alerts/": PAGE,
    "alerts/messages/": PAGE,
    "alerts/messages/<key:pk>/again/": _action(CHECKERS),
    "alerts/channels/<key:pk>/test/": _action(ADMINS),
    "alerts/<key:pk>/": PAGE,
    "alerts/<key:pk>/acknowledge/": _action(CHECKERS),
    "alerts/<key:pk>/resolve/": _action(CHECKERS),
    **_model("api/apikey", view=VIEWERS, add=VIEWERS),
    "api/": _form(STAFF),  # not found
    "api/docs/": PAGE,
    "api/openapi.json": _form(STAFF),
    "api/.*": _form(STAFF),  # not found
    "api/workflows": Row(get=VIEWERS, post=EDITORS),
    "api/workflows/<slug:workflow_id>": Row(get=VIEWERS),
    "api/workflows/<slug:workflow_id>/duplicate": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/archive": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/unarchive": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/move": Row(get=NOBODY),
    "api/workflows/<slug:workflow_id>/env-file": Row(get=NOBODY, post=EDITORS),
    "api/workflows/from-files": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/full": PAGE,
    "api/workflows/<slug:workflow_id>/bindings": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/bindings/<str:name>": Row(get=NOBODY),
    "api/workflows/<slug:workflow_id>/draft": PAGE,
    "api/workflows/<slug:workflow_id>/draft/operations": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/draft/undo": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/draft/redo": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/draft/problems": PAGE,
    "api/workflows/<slug:workflow_id>/versions": Row(get=VIEWERS, post=EDITORS),
    "api/workflows/<slug:workflow_id>/versions/<key:version_id>": PAGE,
    "api/workflows/<slug:workflow_id>/versions/<key:version_id>/revert": Row(
        get=NOBODY, post=EDITORS
    ),
    "api/workflows/<slug:workflow_id>/compare": PAGE,
    "api/workflows/<slug:workflow_id>/files": PAGE,
    "api/workflows/<slug:workflow_id>/files/content": PAGE,
    "api/workflows/<slug:workflow_id>/files/operations": Row(get=NOBODY, post=EDITORS),
    "api/projects": PAGE,
    "api/nodes": Row(get=VIEWERS, post=ADMINS),
    "api/nodes/<slug:node_id>": PAGE,
    "api/marketplace": PAGE,
    "api/marketplace/install": Row(get=NOBODY, post=VIEWERS),
    "api/marketplace/update": Row(get=NOBODY, post=VIEWERS),
    "api/marketplace/uninstall": Row(get=NOBODY, post=VIEWERS),
    "api/templates": PAGE,
    "api/templates/<slug:template_id>": PAGE,
    "api/templates/<slug:template_id>/use": Row(get=NOBODY, post=EDITORS),
    "api/env-vars": Row(get=VIEWERS, post=EDITORS),
    "api/env-vars/<key:variable_id>": Row(get=NOBODY),
    "api/connections": Row(get=VIEWERS, post=ADMINS),
    "api/connections/verify-token": Row(get=NOBODY, post=ADMINS),
    "api/connections/<key:connection_id>": Row(get=VIEWERS),
    "api/connections/<key:connection_id>/check": Row(get=NOBODY, post=CHECKERS),
    "api/resources/kv/namespaces": Row(get=CHECKERS, post=ADMINS),
    "api/resources/d1/databases": Row(get=CHECKERS, post=ADMINS),
    "api/resources/r2/buckets": Row(get=CHECKERS, post=ADMINS),
    "api/resources/queues": Row(get=CHECKERS, post=ADMINS),
    "api/workflows/<slug:workflow_id>/deploy": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/plan": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/rollback": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/takedown": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/deployments": Row(get=VIEWERS),
    "api/deployments": Row(get=VIEWERS),
    "api/deployments/<key:deployment_id>": Row(get=VIEWERS),
    "api/deployments/<key:deployment_id>/events": Row(get=VIEWERS),
    "api/deployments/<key:deployment_id>/output": Row(get=VIEWERS),
    "api/deployments/<key:deployment_id>/cancel": Row(get=NOBODY, post=DEPLOYERS),
    "api/deployments/<key:deployment_id>/retry": Row(get=NOBODY, post=DEPLOYERS),
    "api/deployments/<key:deployment_id>/redeploy": Row(get=NOBODY, post=DEPLOYERS),
    "api/deployments/<key:deployment_id>/rollback": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/trigger": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/trigger-batch": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/runs": Row(get=VIEWERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>": Row(get=VIEWERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>/pause": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>/resume": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>/restart": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>/terminate": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/runs/<str:run_id>/events": Row(get=NOBODY, post=DEPLOYERS),
    "api/batches/<key:batch_id>": Row(get=VIEWERS),
    "api/runs": Row(get=VIEWERS),
    "api/audit": Row(get=ADMINS),
    "api/alerts": Row(get=VIEWERS),
    "api/alerts/<key:alert_id>": Row(get=VIEWERS),
    "api/alerts/<key:alert_id>/acknowledge": Row(get=NOBODY, post=CHECKERS),
    "api/alerts/<key:alert_id>/resolve": Row(get=NOBODY, post=CHECKERS),
    "api/api-keys": _form(VIEWERS),
    "api/api-keys/<key:key_id>": Row(get=NOBODY),
    "api/events/<str:event_type>": Row(get=NOBODY, post=DEPLOYERS),
    "api/workflows/<slug:workflow_id>/test": Row(get=NOBODY, post=EDITORS),
    "api/workflows/<slug:workflow_id>/deploy-stream": Row(get=NOBODY, post=DEPLOYERS),
    "targets/<key:pk>/check/": _action(CHECKERS),
    "targets/<key:pk>/mailbox/": Row(get=CHECKERS, post=NOBODY),
    "targets/<key:pk>/resources/": Row(get=CHECKERS, post=ADMINS),
    "targets/<key:pk>/resources/use/": _action(EDITORS),
    "runs/": PAGE,
    "runs/events/": STREAM,
    "runs/logs/<str:workflow>/": PAGE,
    "runs/logs/<str:workflow>/socket/": STREAM,
    "runs/overview/": PAGE,
    "runs/workflows/": PAGE,
    "runs/waiting/": PAGE,
    "runs/start/": _form(DEPLOYERS),
    "runs/start/check/": _action(DEPLOYERS),
    "runs/batch/": _form(DEPLOYERS),
    "runs/bulk/": _form(DEPLOYERS),
    "runs/bulk/<key:pk>/": PAGE,
    "workflows/<str:workflow>/tests/": PAGE,
    "workflows/<str:workflow>/tests/run/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:workflow>/tests/edit/": _form(EDITORS),
    "workflows/<str:workflow>/tests/delete/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:workflow>/tests/save/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:workflow>/tests/results/<key:pk>/": PAGE,
    "workflows/<str:workflow>/tests/results/<key:pk>/accept/": Row(get=NOBODY, post=EDITORS),
    "runs/tests/<str:workflow>/start/": Row(get=NOBODY, post=EDITORS),
    "runs/tests/<str:workflow>/progress/": Row(get=EDITORS),
    "runs/tests/<str:workflow>/stop/": Row(get=NOBODY, post=EDITORS),
    "runs/tests/<str:workflow>/pin/": Row(get=NOBODY, post=EDITORS),
    "runs/<key:pk>/": PAGE,
    "runs/<key:pk>/test/": Row(get=NOBODY, post=EDITORS),
    "runs/<key:pk>/events/": STREAM,
    "runs/<key:pk>/picture/": PAGE,
    "runs/<key:pk>/step/": PAGE,
    "runs/<key:pk>/values/<str:what>/": PAGE,
    "runs/<key:pk>/seen/": _action(DEPLOYERS),
    "runs/<key:pk>/event/": _form(DEPLOYERS),
    "runs/<key:pk>/decide/": _form(DEPLOYERS),
    "runs/<key:pk>/<str:action>/": _form(DEPLOYERS),
    "healthz": STREAM,  # for anyone, but in front of Django
    "readyz": STREAM,
    "metrics": STREAM,
    "": PAGE,
    "events/": STREAM,
    "first-steps/hide/": _action(VIEWERS),
    "docs/": PAGE,
    "docs/search/": PAGE,
    "docs/<path:address>/": PAGE,
    "docs/<path:address>/use/": Row(get=NOBODY, post=EDITORS),
    "workflows/options/": PAGE,
    "workflows/import/": _form(EDITORS),
    "workflows/new-project/": _form(EDITORS),
    "workflows/<str:pk>/export/": PAGE,
    "workflows/<str:pk>/draft/": _form(VIEWERS),
    "workflows/<str:pk>/draft/change/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:pk>/draft/undo/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:pk>/draft/redo/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:pk>/draft/slots/": _form(EDITORS),
    "workflows/<str:pk>/draft/fragment/": _form(VIEWERS),
    "workflows/<str:pk>/draft/problems/": PAGE,
    "workflows/<str:pk>/draft/save/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:pk>/files/": PAGE,
    "workflows/<str:pk>/files/change/": Row(get=NOBODY, post=EDITORS),
    "workflows/<str:pk>/deploy/": Row(get=CHECKERS, post=DEPLOYERS),
    "workflows/<str:pk>/deploy/preflight/": Row(get=DEPLOYERS),
    "workflows/<str:pk>/deploy/plan/": Row(get=DEPLOYERS),
    "workflows/<str:pk>/code/": PAGE,
    "workflows/<str:pk>/code/document/": Row(get=VIEWERS, post=EDITORS),
    "workflows/<str:pk>/code/<slug:slug>/": PAGE,
    "workflows/<str:pk>/variables/": PAGE,
    "workflows/<str:pk>/variables/set/": _action(EDITORS),
    "workflows/<str:pk>/variables/paste/": _action(EDITORS),
    "workflows/<str:pk>/versions/": PAGE,
    "workflows/<str:pk>/versions/compare/": PAGE,
    "workflows/<str:pk>/versions/compare/<slug:slug>/": PAGE,
    "workflows/<str:pk>/versions/<key:number>/": PAGE,
    "workflows/<str:pk>/versions/<key:number>/<slug:slug>/": PAGE,
    "workflows/<str:pk>/versions/<key:number>/download/": PAGE,
    "workflows/<str:pk>/versions/<key:number>/note/": _action(EDITORS),
    "workflows/<str:pk>/versions/<key:number>/lock/": _action(EDITORS),
    "workflows/<str:pk>/versions/<key:number>/restore/": _form(EDITORS),
    "workflows/<str:pk>/deployments/": PAGE,
    "workflows/<str:pk>/settings/": _form(EDITORS),
    "workflows/<str:pk>/settings/preview/": _action(EDITORS),
    "workflows/<str:pk>/duplicate/": _form(EDITORS),
    "workflows/<str:pk>/eject/": _form(EDITORS),
    "workflows/<str:pk>/archive/": _form(EDITORS),
    "workflows/<str:pk>/unarchive/": _action(EDITORS),
    "workflows/<str:pk>/live/": PAGE,
    "workflows/<str:pk>/live/check/": _action(CHECKERS),
    "workflows/<str:pk>/live/adopt/": _form(DEPLOYERS),
    "workflows/<str:pk>/live/secrets/": PAGE,
    "workflows/<str:pk>/live/secrets/delete/": _form(DEPLOYERS),
    "workflows/<str:pk>/live/takedown/": _form(DEPLOYERS),
    "deployments/<key:pk>/": PAGE,
    "deployments/<key:pk>/events/": STREAM,
    "deployments/<key:pk>/output/<key:output>/": PAGE,
    "deployments/<key:pk>/cancel/": _action(DEPLOYERS),
    "deployments/<key:pk>/rollback/": _form(DEPLOYERS),
    "deployments/<key:pk>/retry/": _action(DEPLOYERS),
    "deployments/<key:pk>/redeploy/": _action(DEPLOYERS),
    "deployments/<key:pk>/output/": PAGE,
    "deployments/<key:pk>/picture/": PAGE,
    "deployments/<key:pk>/code/": PAGE,
    "deployments/<key:pk>/wrangler-json/": PAGE,
    "deployments/<key:pk>/variables/": PAGE,
    "deployments/<key:pk>/snapshot/": PAGE,
}
