"""Pages on a phone, with a keyboard, and with reduced motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.documents import make_workflow
from tests.support.installation import Installation

PAGES = [
    "/",
    "/deployments/{pk}/",
    "/deployments/{pk}/code/",
    "/deployments/{pk}/wrangler-json/",
    "/deployments/{pk}/variables/",
    "/deployments/{pk}/snapshot/",
    "/deployments/{pk}/picture/",
    "/deployments/{pk}/rollback/",
    "/workflows/{workflow}/deploy/",
    "/workflows/{workflow}/settings/",
    "/workflows/{workflow}/live/",
    "/targets/{target}/resources/",
    "/runs/",
    "/runs/{run}/",
    "/runs/overview/",
    "/runs/waiting/",
    "/runs/workflows/",
    "/runs/start/?workflow={workflow}",
    "/runs/batch/?workflow={workflow}",
    "/runs/logs/{workflow}/",
    "/runs/bulk/?action=pause",
    "/admin/",
    "/admin/workflows/workflow/{workflow}/change/",
    "/admin/workflows/environmentvariable/add/",
    "/admin/deployments/deployment/",
    "/admin/targets/target/",
]


@pytest.fixture(scope="module")
def ids(installation: Installation) -> dict[str, object]:
    """Ids of a deployed workflow, a run and more, with long names that cannot wrap."""
    workflow = make_workflow(installation, "W" * 120)
    installation.manage("deploy_workflow", workflow)
    newest = installation.json("list_deployments", "--workflow", workflow, "--json")[0]
    payload = '{"name": "' + "W" * 120 + '"}'
    run = installation.json("trigger_workflow", workflow, payload)["id"]
    return {"workflow": workflow, "pk": newest["id"], "run": run_key(installation, run)} | {
        "target": target_key(installation)
    }


def run_key(installation: Installation, run: str) -> str:
    """Return the primary key of the run."""
    code = f"from runs.models import Run; print(Run.objects.get(instance_id={run!r}).pk)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


def target_key(installation: Installation) -> str:
    code = "from targets.models import Target; print(Target.objects.get(name='local').pk)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


def width(page: Page) -> int:
    scroll_width: int = page.evaluate("document.documentElement.scrollWidth")
    return scroll_width


def test_no_page_scrolls_sideways_at_360_pixels(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page(viewport={"width": 360, "height": 740})

    widths = {}
    for address in PAGES:
        page.goto(address.format(**ids))
        widths[address] = width(page)

    assert {address: value for address, value in widths.items() if value > 360} == {}


def test_deploy_can_be_pressed_with_the_keyboard(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip-to-content-link")).to_be_focused()

    page.keyboard.press("Enter")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == f"deploy-{ids['workflow']}":
            break
    page.keyboard.press("Enter")

    page.wait_for_url("**/deployments/*/")


def test_the_settings_of_a_queue_consumer_share_a_row(
    open_page: Open, ids: dict[str, object]
) -> None:
    page = open_page(
        f"/workflows/{ids['workflow']}/settings/", viewport={"width": 1280, "height": 900}
    )
    cells = page.locator("#consumers .setting-row").first.locator(".setting-cell").all()

    widths = {box["width"] for cell in cells if (box := cell.bounding_box())}

    assert max(widths) < 1.5 * min(widths)


def test_animations_respect_reduced_motion(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")

    names = page.evaluate(
        """['icon icon-ring', 'tick tick-current'].map(name => {
          const element = document.createElement('span');
          element.className = name;
          document.body.append(element);
          return getComputedStyle(element).animationName;
        })"""
    )

    assert names == ["none", "none"]


def test_a_link_to_a_node_selects_it_in_the_editor(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page(f"/admin/workflows/workflow/{ids['workflow']}/change/")
    node = page.evaluate("JSON.parse(document.getElementById('id_ir').value).nodes[0].id")

    page.goto("/")
    page.goto(f"/admin/workflows/workflow/{ids['workflow']}/change/#node={node}")

    chosen = page.evaluate(
        "(area => area.value.slice(area.selectionStart, area.selectionEnd))"
        "(document.getElementById('id_ir'))"
    )
    assert f'"id": "{node}"' in chosen
