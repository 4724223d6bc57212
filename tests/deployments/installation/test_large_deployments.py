"""A document of nearly the largest size, from the import to the live Worker."""

from __future__ import annotations

import json

from tests.support.examples import examples
from tests.support.installation import Installation
from tests.support.page_forms import Forms
from tests.workflows.ir.documents import many_branches
from workflows.ir.validation.validate import MAX_BYTES, compact

NODES = examples(400, 9_996)
COMMENT = "x" * 640  # makes the document of the long test as large as is allowed


def test_a_large_document_is_saved_planned_and_deployed(installation: Installation) -> None:
    document = many_branches(NODES, comment=COMMENT)
    assert MAX_BYTES * NODES / 10_000 * 0.9 < len(compact(document)) < MAX_BYTES
    workflow = installation.import_document(document)

    with installation.client() as client:
        client.timeout = 600
        address = f"/admin/workflows/workflow/{workflow}/change/?form"
        forms = Forms(client.get(address).text, address=address).forms
        (form,) = (form for form in forms if "ir" in form.fields)
        saved = client.post(address, data=form.fields | {"name": "Renamed", "_save": "Save"})
        assert saved.status_code == 302
        plan = client.get(f"/workflows/{workflow}/deploy/plan/")
        assert plan.status_code == 200
        stages = installation.manage("deploy_workflow", workflow).stdout.splitlines()
        assert json.loads(stages[-1])["stage"] == "COMPLETED"
        for page in ("/", f"/workflows/{workflow}/live/", "/runs/"):
            assert client.get(page).status_code == 200
