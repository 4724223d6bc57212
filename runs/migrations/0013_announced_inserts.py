from __future__ import annotations

from django.db import migrations

from web.streams.insert_triggers import announce_inserts


class Migration(migrations.Migration):
    dependencies = [("runs", "0012_indexes_of_lists"), ("web", "0002_announced_inserts")]

    operations = [
        announce_inserts("runs_runchange", group="runs"),
        announce_inserts("runs_bulkchange", group="bulk changes"),
    ]
