"""The pages of a workflow that is a project: its versions and their comparison."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.deployments.factories import make_deployment
from tests.deployments.shop_project import CONFIG, MAIN, MONEY, line_of, make_project
from tests.support.page_text import markup, text
from workflows.documents.projects.files import file_bytes
from workflows.models import Workflow
from workflows.projects import import_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Workflow:
    """A project with two versions: a file was changed, one added, one removed."""
    project = make_project(**{"README.md": "# Shop\n"})
    files = {
        **project.files,
        "src/money.ts": MONEY.replace("0", "1"),
        "src/rate.ts": "export {};\n",
    }
    files["public/logo.png"] = {"base64": "/w=="}
    del files["README.md"]
    return import_project(files, into=project)


def version(project: Workflow, part: str = "", number: int = 1) -> str:
    return f"/workflows/{project.pk}/versions/{number}/{part}"


def test_a_version_shows_the_pictures_of_its_classes(
    admin_client: Client, project: Workflow
) -> None:
    shown = markup(admin_client.get(version(project)))

    line = line_of(MAIN, '"add up"')
    assert f'href="{version(project, "files/")}?file=src/index.ts#L{line}"' in shown
    assert "orders class Orders" in text(admin_client.get(version(project)))
    assert shown.count("data-picture") == 2


def test_a_page_shows_so_many_pictures_and_links_to_each_of_the_others(
    admin_client: Client,
) -> None:
    entry = '[[workflows]]\nname = "w{0}"\nbinding = "W{0}"\nclass_name = "Orders"\n'
    entries = "".join(entry.format(number) for number in range(62))
    config = 'main = "src/index.ts"\ncompatibility_date = "2026-11-01"\n' + entries
    many = import_project({"wrangler.toml": config, "src/index.ts": MAIN, "src/money.ts": MONEY})

    page = admin_client.get(version(many))
    last = admin_client.get(version(many, "?workflow=w61"))

    assert markup(page).count("data-picture") == 60
    assert 'href="?workflow=w61"' in markup(page)
    assert markup(last).count("data-picture") == 1
    assert "w61 class Orders" in text(last)


def test_a_version_lists_its_files_and_shows_one(admin_client: Client, project: Workflow) -> None:
    main = text(admin_client.get(version(project, "files/")))
    chosen = markup(admin_client.get(version(project, "files/?file=src/money.ts")))

    assert "5 files" in main
    assert "export class Orders" in main  # the main module is shown first
    assert 'id="L2"' in chosen
    assert "return items.reduce" in chosen
    assert admin_client.get(version(project, "files/?file=src/rate.ts")).status_code == 404
    assert "src/ index.ts" in main
    assert "rate.ts" in text(admin_client.get(version(project, "files/", number=2)))


def test_files_that_are_not_text_are_described_and_can_be_downloaded(
    admin_client: Client, project: Workflow
) -> None:
    shown = text(admin_client.get(version(project, "files/?file=public/logo.png")))
    file = admin_client.get(version(project, "files/?file=public/logo.png&download"))

    assert "This file is not text: 10 bytes, SHA-256" in shown
    assert file.content == file_bytes(project.versions.get(number=1).files, "public/logo.png")
    assert file["Content-Disposition"] == 'attachment; filename="logo.png"'


def test_a_version_shows_the_settings_with_their_lines(
    admin_client: Client, project: Workflow
) -> None:
    shown = markup(admin_client.get(version(project, "settings/")))

    line = line_of(CONFIG, "crons")
    assert '<code class="value">0 3 * * *</code>' in shown
    assert f'?file=wrangler.jsonc#L{line}">wrangler.jsonc, line {line}</a>' in shown
    assert "default, set workers_dev to change it" in text(
        admin_client.get(version(project, "settings/"))
    )


@pytest.mark.parametrize("part", ["typescript/", "document/"])
def test_a_version_of_a_project_has_no_document(
    admin_client: Client, project: Workflow, part: str
) -> None:
    assert admin_client.get(version(project, part)).status_code == 404


def test_versions_are_compared_file_by_file(admin_client: Client, project: Workflow) -> None:
    page = text(admin_client.get(f"/workflows/{project.pk}/versions/compare/?from=v1&to=v2"))

    assert "1 file added, 1 removed, 2 changed" in page
    assert "README.md Removed" in page
    assert "src/rate.ts Added" in page
    assert "- return items.reduce((sum, each) =&gt; sum + each, 0);" in page.replace(">", "&gt;")
    assert "Binary, 10 bytes" in page
    assert "not connected" not in page


def test_a_draft_is_compared_with_what_is_live(admin_client: Client, project: Workflow) -> None:
    old = project.versions.get(number=1)
    live = make_deployment(workflow=project, status="succeeded", files=old.files)
    query = f"from=live-{live.target_id}&to=draft"
    page = text(admin_client.get(f"/workflows/{project.pk}/versions/compare/?{query}"))

    assert "1 file added, 1 removed, 2 changed" in page


def test_a_comparison_of_projects_has_no_typescript(
    admin_client: Client, project: Workflow
) -> None:
    address = f"/workflows/{project.pk}/versions/compare/typescript/?from=v1&to=v2"

    assert admin_client.get(address).status_code == 404


def code(project: Workflow, part: str = "") -> str:
    return f"/workflows/{project.pk}/code/{part}"


def test_the_code_tab_shows_the_files_of_the_draft(admin_client: Client, project: Workflow) -> None:
    shown = text(admin_client.get(code(project)))

    assert "5 files" in shown
    assert "about the draft" not in shown
    file = admin_client.get(code(project, "files/?file=src/money.ts&download"))
    assert file.content == str(project.files["src/money.ts"]).encode()
    assert admin_client.get(code(project, "files/?file=none.ts")).status_code == 404
    assert admin_client.get(code(project, "document/")).status_code == 404
    assert admin_client.post(code(project, "document/"), {"text": "{}"}).status_code == 404


def test_the_code_tab_shows_what_a_deploy_would_send(
    admin_client: Client, project: Workflow
) -> None:
    shown = text(admin_client.get(code(project, "wrangler-json/")))

    assert '"LIMITS": { "max": 3 }' in shown
    assert '"class_name": "Refunds"' in shown
    assert '"crons": [ "0 3 * * *" ]' in shown


def test_the_code_tab_shows_the_bundled_javascript(admin_client: Client, project: Workflow) -> None:
    shown = text(admin_client.get(code(project, "javascript/")))

    assert "extends WorkflowEntrypoint" in shown
    assert "items.reduce((sum, each) => sum + each, 1)" in shown  # from the other file


def test_a_file_that_cannot_be_bundled_is_named_with_its_line(admin_client: Client) -> None:
    project = make_project(**{"src/money.ts": "export const total = ;\n"})

    shown = markup(admin_client.get(code(project, "javascript/")))

    address = f"/workflows/{project.pk}/code/files/?file=src/money.ts#L1"
    assert f'<a class="file-place" href="{address}"><code>src/money.ts, line 1</code></a>' in shown
