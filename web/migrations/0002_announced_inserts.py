from __future__ import annotations

from django.db import migrations

from web.streams.insert_triggers import create_function


class Migration(migrations.Migration):
    dependencies = [("web", "0001_login_attempts")]

    operations = [create_function()]
