from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from deployments.installation import first_start, supervisor
from deployments.models import StageRecord
from workflows.node_types.loading import Outcome


class Command(BaseCommand):
    help = "Start everything: database, administrator, embedded platform, web server, sample."
    is_interrupted = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        here = settings.AWAITSTEP
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        try:
            supervisor.check_ports(here)
            self._prepare()
            with supervisor.Servers(here) as servers:
                self._deploy_sample()
                self._say_where()
                servers.wait(until=lambda: self.is_interrupted)
        except supervisor.CannotStart as reason:
            raise CommandError(str(reason)) from None
        except KeyboardInterrupt:
            pass  # as said below
        self.stdout.write("\nStopped.")

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        password = first_start.create_administrator()
        if password:
            self.stdout.write(
                "The first administrator is made. The password is shown only here and now:\n"
                f"  user name  {first_start.ADMINISTRATOR}\n"
                f"  password   {password}\n"
            )
        for outcome in first_start.load_node_types():
            self._tell_loaded(outcome)
        first_start.create_sample()

    def _tell_loaded(self, outcome: Outcome) -> None:
        self._tell(f"Node type {outcome}: {outcome.state}")
        for problem in outcome.problems:
            self._tell(f"  {problem}")

    def _deploy_sample(self) -> None:
        if not settings.AWAITSTEP.offers_local_cloudflare:
            return
        deployment = first_start.deploy_sample(self._tell_stage)
        if deployment and deployment.worker_url:
            self._tell(f"The sample is live. Start a run:  curl -s {deployment.worker_url}/")

    def _tell_stage(self, record: StageRecord) -> None:
        self._tell(f"Sample: {record.progress:3} %  {record.message}")

    def _say_where(self) -> None:
        here = settings.AWAITSTEP
        self._tell(f"\nAwaitStep        http://localhost:{here.port}/")
        if here.offers_local_cloudflare:
            self._tell(f"Cloudflare's API http://127.0.0.1:{here.local_cloudflare_port}/client/v4")
        self._tell(f"Data             {here.data_dir}\nCtrl-C stops everything.")

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _interrupt(self, _signal: int, _frame: object) -> None:
        """Stop what goes on; where the exception is lost, as in a destructor, the wait ends by the mark."""
        self.is_interrupted = True
        raise KeyboardInterrupt
