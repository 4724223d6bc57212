from __future__ import annotations

from django.urls import include, path

from deployments.views import deploy_dialog, deployment_actions, deployments, mailbox, resources
from deployments.views.deployment_tabs import TABS
from web.rendering import needs_asgi

app_name = "deployments"
urlpatterns = [
    path("", deployments.dashboard, name="dashboard"),
    path("events/", needs_asgi, name="events"),
    path("first-steps/hide/", deployments.hide_first_steps, name="hide_first_steps"),
    path("workflows/<str:pk>/deploy/", deploy_dialog.deploy, name="deploy"),
    path("workflows/<str:pk>/deploy/preflight/", deploy_dialog.preflight, name="preflight"),
    path("workflows/<str:pk>/deploy/plan/", deploy_dialog.plan, name="plan"),
    path("targets/<key:pk>/resources/", resources.resources, name="target_resources"),
    path("targets/<key:pk>/resources/use/", resources.use, name="use_resource"),
    path("targets/<key:pk>/mailbox/", mailbox.mailbox, name="mailbox"),
    path("workflows/", include("deployments.workflow_urls")),
    path("deployments/<key:pk>/", deployments.deployment, {"tab": TABS[0]}, name="deployment"),
    path("deployments/<key:pk>/events/", needs_asgi, name="deployment_events"),
    path("deployments/<key:pk>/output/<key:output>/", deployments.download, name="download"),
    path("deployments/<key:pk>/cancel/", deployment_actions.cancel, name="cancel"),
    path("deployments/<key:pk>/rollback/", deployment_actions.roll_back, name="rollback"),
    path("deployments/<key:pk>/retry/", deployment_actions.retry, name="retry"),
    path("deployments/<key:pk>/redeploy/", deployment_actions.redeploy, name="redeploy"),
    *(
        path(
            f"deployments/<key:pk>/{tab.slug}/",
            deployments.deployment,
            {"tab": tab},
            name=tab.url_name,
        )
        for tab in TABS
    ),
]
