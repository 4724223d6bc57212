from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0001_index'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='run',
            name='runs_by_time',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='runs_of_workflow',
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['-created_at', '-id', 'status', 'seconds'], name='runs_by_time_covering'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['workflow', '-created_at', '-id', 'status', 'seconds'], name='runs_of_workflow_covering'),
        ),
        migrations.AddIndex(
            model_name='runstep',
            index=models.Index(fields=['name', 'attempts', 'run'], name='runs_by_step'),
        ),
    ]
