from __future__ import annotations

from typing import Any

import audit.encrypted_fields
from django.db import migrations, models


def copy_secrets(apps: Any, schema_editor: Any) -> None:
    """Mask the current values of all secrets from now on. They are copied without decrypting them."""
    variables = apps.get_model("workflows", "EnvironmentVariable").objects.filter(is_secret=True)
    MaskedValue = apps.get_model("workflows", "MaskedValue")
    MaskedValue.objects.bulk_create(
        MaskedValue(workflow_public_id=workflow or "", value=value)
        for workflow, value in variables.values_list("workflow_id", "value")
    )


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='MaskedValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('workflow_public_id', models.CharField(blank=True, db_index=True, max_length=20)),
                ('value', audit.encrypted_fields.EncryptedTextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RunPython(copy_secrets, migrations.RunPython.noop),
    ]
