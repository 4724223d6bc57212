from __future__ import annotations

from typing import Any

from django.db import migrations


def forget(apps: Any, _editor: Any) -> None:
    """It has none; that was kept encrypted, so that its row needed the key that encrypted it."""
    apps.get_model("deployments", "Target").objects.filter(embedded=True).update(api_token="")


class Migration(migrations.Migration):
    dependencies = [("deployments", "0006_overridden_freezes")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
