from __future__ import annotations

from django.db import migrations

from web.streams.insert_triggers import announce_inserts


class Migration(migrations.Migration):
    dependencies = [("deployments", "0008_removed_by_retention"), ("web", "0002_announced_inserts")]

    operations = [
        announce_inserts("deployments_deployment", group="deployments"),
        announce_inserts("deployments_stagerecord", group="deployments"),
    ]
