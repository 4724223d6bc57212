"""The pages of one workflow: its code, settings, versions, deployments and live Workers."""

from __future__ import annotations

from django.urls import path

from deployments.views import (
    comparison,
    deploy_settings,
    document_page,
    lifecycle,
    live_workers,
    restore,
    standalone,
    versions,
    workflow_pages,
    workflow_variables,
)

urlpatterns = [
    path("<str:pk>/code/", workflow_pages.code, name="workflow_code"),
    path("<str:pk>/code/document/", document_page.document, name="workflow_document"),
    path("<str:pk>/code/<slug:slug>/", workflow_pages.code, name="workflow_code_part"),
    path("<str:pk>/variables/", workflow_variables.variables, name="workflow_variables"),
    path("<str:pk>/variables/set/", workflow_variables.set_one, name="set_variable"),
    path("<str:pk>/variables/paste/", workflow_variables.paste, name="paste_variables"),
    path("<str:pk>/versions/", versions.versions, name="workflow_versions"),
    path("<str:pk>/versions/compare/", comparison.comparison, name="comparison"),
    path("<str:pk>/versions/compare/<slug:slug>/", comparison.comparison, name="comparison_part"),
    path("<str:pk>/versions/<key:number>/", versions.version, name="version"),
    path("<str:pk>/versions/<key:number>/download/", standalone.download, name="download_version"),
    path("<str:pk>/versions/<key:number>/note/", versions.note, name="version_note"),
    path("<str:pk>/versions/<key:number>/restore/", restore.restore, name="restore_version"),
    path("<str:pk>/versions/<key:number>/lock/", versions.lock, name="version_lock"),
    path("<str:pk>/versions/<key:number>/<slug:slug>/", versions.version, name="version_part"),
    path("<str:pk>/deployments/", workflow_pages.deployments, name="workflow_deployments"),
    path("<str:pk>/settings/", deploy_settings.deploy_settings, name="deploy_settings"),
    path(
        "<str:pk>/settings/preview/",
        deploy_settings.deploy_settings_preview,
        name="deploy_settings_preview",
    ),
    path("<str:pk>/eject/", standalone.eject, name="eject"),
    path("<str:pk>/duplicate/", lifecycle.duplicate, name="duplicate"),
    path("<str:pk>/archive/", lifecycle.archive, name="archive"),
    path("<str:pk>/unarchive/", lifecycle.unarchive, name="unarchive"),
    path("<str:pk>/live/", live_workers.live, name="live"),
    path("<str:pk>/live/check/", live_workers.check, name="check_drift"),
    path("<str:pk>/live/adopt/", live_workers.adopt, name="adopt"),
    path("<str:pk>/live/secrets/", live_workers.secrets, name="secrets"),
    path("<str:pk>/live/secrets/delete/", live_workers.delete_secrets, name="delete_secrets"),
    path("<str:pk>/live/takedown/", live_workers.take_down, name="take_down"),
]
