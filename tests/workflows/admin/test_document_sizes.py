"""The form and the command accept documents up to the same size, however they are indented."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from tests.support.page_forms import Forms
from tests.support.page_text import text
from tests.workflows.ir.documents import Document, chain, node
from workflows.ir.validation.validate import MAX_BYTES, compact
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

TOO_LARGE = f"is larger than {MAX_BYTES // 1024 // 1024} MB"
LONGEST_CODE = 200_000


def sized(size: int) -> Document:
    """Return a document whose JSON has exactly this size, in steps that are mostly comments."""
    count = size // LONGEST_CODE + 1
    document = chain(*(node(f"n{number}", code="// \nreturn 1;") for number in range(count)))
    missing = size - len(compact(document))
    for number, item in enumerate(document["nodes"]):
        share = missing // count + (number < missing % count)
        item["data"]["code"] = f"// {'x' * share}\nreturn 1;"
    assert len(compact(document)) == size
    return document


def test_the_largest_document_is_saved_by_the_command_and_by_the_form(
    admin_client: Client, tmp_path: Path
) -> None:
    largest = sized(MAX_BYTES)
    file = tmp_path / "largest.ir.json"
    file.write_text(json.dumps(largest, indent=4))
    call_command("import_workflow", str(file), stdout=io.StringIO(), stderr=io.StringIO())
    workflow = Workflow.objects.get()
    address = f"/admin/workflows/workflow/{workflow.pk}/change/?form"

    page = admin_client.get(address)
    forms = Forms(page.content.decode(), address=address).forms
    (form,) = (form for form in forms if "ir" in form.fields)
    assert json.loads(form.fields["ir"]) == largest
    saved = admin_client.post(address, form.fields | {"name": "Renamed", "_save": "Save"})

    assert saved.status_code == 302, text(saved)
    workflow.refresh_from_db()
    assert (workflow.name, workflow.ir) == ("Renamed", largest)


def test_a_larger_document_is_refused_by_the_command_and_by_the_form(
    admin_client: Client, tmp_path: Path
) -> None:
    larger = compact(sized(MAX_BYTES + 1))
    file = tmp_path / "larger.ir.json"
    file.write_text(larger)
    errors = io.StringIO()

    with pytest.raises(SystemExit):
        call_command("import_workflow", str(file), stderr=errors)
    page = admin_client.post("/admin/workflows/workflow/add/", {"name": "Large", "ir": larger})

    assert TOO_LARGE in errors.getvalue()
    assert TOO_LARGE in text(page)
    assert not Workflow.objects.exists()
