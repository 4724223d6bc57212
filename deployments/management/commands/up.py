from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from deployments.installation import first_start, supervisor
from deployments.models import StageRecord
from toolchain import node_tools


class Command(BaseCommand):
    help = "Start everything: database, administrator, embedded platform, web server, sample."
    is_interrupted = False

    def handle(self, *_args: Any, **_options: Any) -> None:
        config = settings.AWAITSTEP
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        try:
            supervisor.check_ports(config)
            self._install_toolchain()
            self._prepare()
            with supervisor.Servers(config, self._print) as servers:
                self._deploy_sample()
                self._print_addresses()
                servers.wait(until=lambda: self.is_interrupted)
        except supervisor.CannotStart as reason:
            raise CommandError(str(reason)) from None
        except KeyboardInterrupt:
            pass  # reported below
        self.stdout.write("\nStopped.")

    def _install_toolchain(self) -> None:
        """Install the tools where that is missing: `make run` has done so, but not `pip install`."""
        if node_tools.missing():
            call_command("install_toolchain")

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        password = first_start.create_administrator()
        if password:
            self.stdout.write(
                "The first administrator was created. The password is shown only once:\n"
                f"  user name  {first_start.ADMINISTRATOR}\n"
                f"  password   {password}\n"
            )
        first_start.create_sample()

    def _deploy_sample(self) -> None:
        if not settings.AWAITSTEP.offers_local_cloudflare:
            return
        deployment = first_start.deploy_sample(self._print_stage)
        if deployment and deployment.worker_url:
            self._print(f"The sample is live. Start a run:  curl -s {deployment.worker_url}/")

    def _print_stage(self, record: StageRecord) -> None:
        self._print(f"Sample: {record.progress:3} %  {record.message}")

    def _print_addresses(self) -> None:
        config = settings.AWAITSTEP
        self._print(f"\nAwaitStep        http://127.0.0.1:{config.port}/")
        if config.offers_local_cloudflare:
            self._print(
                f"Cloudflare's API http://127.0.0.1:{config.local_cloudflare_port}/client/v4"
            )
        self._print(f"Data             {config.data_dir}\nCtrl-C stops everything.")

    def _print(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _interrupt(self, _signal: int, _frame: object) -> None:
        """Interrupt the main thread. The flag ends the wait if the exception is lost."""
        self.is_interrupted = True
        raise KeyboardInterrupt
