"""The requests of the editor, whose page is the workflow's page in the admin; import and export."""

from __future__ import annotations

from django.urls import path

from workflows.picker import view as picker
from workflows.views import draft, exporting, importing, new_project, project_files

app_name = "workflows"
urlpatterns = [
    path("options/", picker.options, name="options"),
    path("import/", importing.import_page, name="import"),
    path("new-project/", new_project.new_project, name="new_project"),
    path("<str:pk>/export/", exporting.download, name="export"),
    path("<str:pk>/draft/", draft.parts, name="draft"),
    path("<str:pk>/draft/change/", draft.change, name="change_draft"),
    path("<str:pk>/draft/undo/", draft.undo, name="undo_draft"),
    path("<str:pk>/draft/redo/", draft.redo, name="redo_draft"),
    path("<str:pk>/draft/slots/", draft.slots, name="draft_slots"),
    path("<str:pk>/draft/fragment/", draft.fragment, name="draft_fragment"),
    path("<str:pk>/draft/problems/", draft.problems, name="draft_problems"),
    path("<str:pk>/draft/save/", draft.save_version, name="save_version"),
    path("<str:pk>/files/", project_files.file, name="project_file"),
    path("<str:pk>/files/change/", project_files.change, name="change_files"),
]
