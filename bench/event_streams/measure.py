"""Event streams with many watchers, next to a bare application under the same web server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx
import psutil

from bench.figures import ratio
from deployments.pipeline.stages import HAPPY_PATH
from tests.support.environment import free_port
from tests.support.installation import PROJECT, Installation, wait_for_port

METHOD = """
Method: a second process opens streams of all deployments (as dashboards do) and of one deployment. This
process writes a stage record to the database four times a second; every eighth is of the one deployment. A
delay is the time from before the record is written until a watcher has received its event. The bare
application has a queue for each connection and is sent the same events by HTTP, as often. In a second
pass, all watchers close their streams at the same time and open them again while records are written. Threads and
files are those of the web server, before the streams were open and while they were."""

RATE: Final = 4  # records a second
ONE_IN: Final = 8  # records, of which one is of the watched deployment
LIMIT: Final = 2.5  # times the p99 of the bare application
DASHBOARD, DEPLOYMENT = "dashboard", "deployment"
_STAGES: Final = HAPPY_PATH[:-1]  # the last one would end the streams
_STREAMS_PER_USER: Final = 20
_STORM_RECORDS: Final = 2 * ONE_IN
_RECORDS: Final = ONE_IN * (len(_STAGES) - 1) - _STORM_RECORDS

Sent = dict[str, dict[int, float]]
Send = Callable[[int], Iterator[tuple[str, int]]]
"""Sends the event with this number, and yields its channels with its id on each."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a process holds."""

    threads: int
    files: int
    databases: int
    cpu_seconds: float

    @classmethod
    def of(cls, pid: int) -> Resources:
        process = psutil.Process(pid)
        databases = [file for file in process.open_files() if ".sqlite3" in file.path]
        used = process.cpu_times()
        return cls(
            threads=process.num_threads(),
            files=process.num_fds(),
            databases=len(databases),
            cpu_seconds=used.user + used.system,
        )


class Watchers:
    """The process that watches."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "bench.event_streams.watchers", str(port)]
        self._process = subprocess.Popen(  # noqa: S603 - our own code
            command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, *command: str) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise TypeError("pipes were asked for")
        stdin.write(" ".join(command) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())

    def end(self) -> None:
        self._process.communicate()


def measure(folder: Path, *, watchers: int) -> None:
    """Print the delays with this many watchers of each kind, and what the streams cost."""
    print(METHOD)
    print(f"\n{watchers:,} dashboards, {watchers:,} watchers of one deployment, {_RECORDS} records")
    bare = _bare(folder, watchers)
    ours = _ours(folder, watchers)
    for channel in (DASHBOARD, DEPLOYMENT):
        p99 = _p99(ours[channel]["delays"]), _p99(bare[channel]["delays"])
        ratio(f"{channel}: p99, AwaitStep to bare", [p99[0]], [p99[1]], limit=LIMIT)


def _p99(delays: list[float]) -> float:
    return quantiles(delays, n=100)[98]


def _bare(folder: Path, watchers: int) -> Any:
    with _bare_server(folder) as (started, port):
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}")

        def send(event: int) -> Iterator[tuple[str, int]]:
            for channel in _channels(event):
                yield channel, event
                data = json.dumps({"id": 1, "stage": "DEPLOYING"})
                client.post(f"/{channel}", content=f"id: {event}\ndata: {data}\n\n")

        addresses = {channel: f"/{channel}" for channel in (DASHBOARD, DEPLOYMENT)}
        with closing(client):
            pass_ = _Pass("Bare application", started.pid, Watchers(port), watchers)
            return pass_.measure(addresses, send)


@contextmanager
def _bare_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port, log = free_port(), folder / "bare.log"
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port)]
    with log.open("ab") as output:
        started = subprocess.Popen(  # noqa: S603 - our own code
            [*command, "bench.event_streams.bare_queues:application"],
            cwd=PROJECT,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for_port(port, started, log)
        yield started, port
    finally:
        started.terminate()
        started.wait()


def _ours(folder: Path, watchers: int) -> Any:
    installation = Installation(folder / "streams", more_env={"AWAITSTEP_TASKS": "worker"})
    try:
        installation.migrate()
        watched, others, cookies = _prepare(
            installation, users=1 + 2 * watchers // _STREAMS_PER_USER
        )
        server = installation.start_server()
        addresses = {
            DASHBOARD: "/events/?page=1",
            DEPLOYMENT: f"/deployments/{watched}/events/?page=1",
        }
        path = installation.data_dir / "db.sqlite3"
        with closing(_connected(path)) as database:
            write = _Records(database, watched, others).write
            process = Watchers(installation.port)
            process.do("cookies", json.dumps(cookies))
            pass_ = _Pass("AwaitStep", server.pid, process, watchers)
            results = pass_.measure(addresses, write)
            pass_.storm(write)
            return results
    finally:
        installation.stop()


def _channels(event: int) -> tuple[str, ...]:
    return (DASHBOARD, DEPLOYMENT) if event % ONE_IN == 0 else (DASHBOARD,)


def _connected(path: Path) -> sqlite3.Connection:
    """Connect to the database; one thread at a time writes."""
    return sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)


_PREPARE: Final = """
import json
from django.contrib.auth.models import Group, User
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.sessions import session_cookie
workflow = make_workflow()
watched = make_deployment(workflow=workflow, status="running")
others = [make_deployment(workflow=workflow, status="succeeded").pk for _ in range(10)]
viewers = [User(username=f"viewer-{number}", is_staff=True) for number in range(%d)]
users = User.objects.bulk_create(viewers)
Group.objects.get(name="Viewer").user_set.add(*users)
print(json.dumps([watched.pk, others, [session_cookie(user).decode() for user in users]]))
"""


def _prepare(installation: Installation, *, users: int) -> tuple[int, list[int], list[str]]:
    """Create a deployment that is watched, others, and users; return the users' cookies, too."""
    printed = installation.manage("shell", "-v", "0", "-c", _PREPARE % users).stdout
    watched, others, cookies = json.loads(printed)
    return watched, others, cookies


class _Records:
    """Writes stage records, as the process of a deployment does."""

    def __init__(self, database: sqlite3.Connection, watched: int, others: Sequence[int]) -> None:
        self._database, self._watched = database, watched
        database.execute("PRAGMA synchronous = NORMAL")
        self._others = [(pk, number) for pk in others for number in range(1, len(_STAGES) + 1)]
        self._first: int = database.execute(
            "SELECT coalesce(max(id), 0) + 1 FROM deployments_stagerecord"
        ).fetchone()[0]

    def write(self, event: int) -> Iterator[tuple[str, int]]:
        pk, number = self._others[event % len(self._others)]
        if DEPLOYMENT in _channels(event):
            pk, number = self._watched, event // ONE_IN + 1
            yield DEPLOYMENT, number
        yield DASHBOARD, self._first + event
        stage = _STAGES[number - 1]
        row = (self._first + event, pk, number, stage.value, stage.message, stage.percent)
        self._database.execute(
            "INSERT INTO deployments_stagerecord"
            " (id, deployment_id, number, stage, message, progress, entered_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, datetime.now(UTC).replace(tzinfo=None).isoformat(" ")),
        )


@dataclass(frozen=True, slots=True)
class _Pass:
    """The watchers of one server."""

    name: str
    pid: int
    process: Watchers
    watchers: int

    def measure(self, addresses: Mapping[str, str], send: Send) -> Any:
        """Open the streams, send events, and print and return the results.

        A first event, which is not counted, shows when all streams have caught up.
        """
        before = Resources.of(self.pid)
        opened = sum(
            self.process.do("open", channel, str(self.watchers), address)
            for channel, address in addresses.items()
        )
        self.process.do("end", json.dumps(_send_all(send, [0])))
        opened_with = Resources.of(self.pid)
        sent = _send_all(send, range(ONE_IN, ONE_IN + _RECORDS))
        results = self.process.do("end", json.dumps(sent))
        during = Resources.of(self.pid)
        print(f"\n{self.name}: {2 * self.watchers:,} streams were opened in {opened:.1f} s")
        print(f"  threads {before.threads} -> {during.threads}", end=", ")
        print(f"files {before.files:,} -> {during.files:,}", end=", ")
        print(f"of which databases {before.databases} -> {during.databases}")
        opening = opened_with.cpu_seconds - before.cpu_seconds
        events = sum(len(result["delays"]) for result in results.values())
        sending = during.cpu_seconds - opened_with.cpu_seconds
        print(
            f"  CPU: {opening / self.watchers / 2 * 1e3:.2f} ms for each stream that was opened,"
            f" {sending / events * 1e3:.3f} ms for each event that was received"
        )
        for channel, result in results.items():
            delays = result["delays"]
            print(
                f"  {channel:10} p50 {median(delays):.3f} s, p99 {_p99(delays):.3f} s, most"
                f" {max(delays):.3f} s, {len(delays):,} events, {result['lost']} lost,"
                f" {result['repeated']} repeated"
            )
        return results

    def storm(self, send: Send) -> None:
        """Let all watchers connect again at the same time while events are sent, and print what is lost."""
        numbers = range(ONE_IN + _RECORDS, ONE_IN + _RECORDS + _STORM_RECORDS)
        with ThreadPoolExecutor(1) as executor:
            sending = executor.submit(_send_all, send, numbers)
            reopened = self.process.do("reconnect")
            sent = sending.result()
        results = self.process.do("end", json.dumps(sent))
        lost = sum(result["lost"] for result in results.values())
        repeated = sum(result["repeated"] for result in results.values())
        print(
            f"  all connected again at the same time: {reopened:.1f} s, {lost} events lost, {repeated} repeated"
        )
        self.process.end()


def _send_all(send: Send, numbers: Sequence[int]) -> Sent:
    sent: Sent = {DASHBOARD: {}, DEPLOYMENT: {}}
    started = time.monotonic()
    for index, event in enumerate(numbers):
        time.sleep(max(started + index / RATE - time.monotonic(), 0))
        for channel, number in send(event):
            sent[channel][number] = time.time()
    return sent
