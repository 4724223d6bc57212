"""All settings of AwaitStep: environment variables with the prefix AWAITSTEP_.

docs/settings.md has a row for each field; a test compares the two.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from toolchain.checkout import IS_CHECKOUT, PROJECT
from toolchain.embedded_platform import CONCURRENT_RUNS
from toolchain.private_files import private_folder, read_or_create

Port = Annotated[int, Field(ge=1, le=65535)]
Days = Annotated[int, Field(ge=0, le=36500)]
Words = Annotated[str, NoDecode]
_TRACE_ID: Final = "{trace_id}"
_SHORTEST_TOKEN: Final = 16
_SHARED: Final = ("DATABASE_URL", "OTEL_")  # variables that other programs read, too
_ZONES: Final = Path("/usr/share/zoneinfo")
_DATABASE_SCHEMES: Final = ("postgresql", "postgres")
_NO_DATABASE: Final = "must look like postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with the password percent-encoded"
_NO_ZONE: Final = "must be a time zone such as Europe/Berlin or UTC, not {!r}"


def _time_zone(name: str) -> str:
    """Accept a time zone that Python and Django know; Django looks for its file."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(_NO_ZONE.format(name)) from None
    if _ZONES.exists() and not (_ZONES / name).is_file():
        raise ValueError(_NO_ZONE.format(name))
    return name


def _data_dir() -> Path:
    """Return the data directory that is used by default: `var/` in a checkout, or a folder of the user."""
    return PROJECT / "var" if IS_CHECKOUT else user_data_path("awaitstep", appauthor=False)


def _trace_endpoint(url: str) -> str:
    """Accept the address of a collector, or nothing; the message does not repeat it."""
    url = url.strip()
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://, as in http://127.0.0.1:4318")
    return url


def _trace_url(url: str) -> str:
    """Accept the address of the page of a trace, or nothing."""
    if url and not (url.startswith(("http://", "https://")) and _TRACE_ID in url):
        raise ValueError(f"must look like https://tempo.example.com/trace/{_TRACE_ID}")
    return url


def _database_url(url: SecretStr | None) -> SecretStr | None:
    """Accept the URL of a PostgreSQL database; the message never contains it, because it has a password."""
    if url is None or not url.get_secret_value():
        return None
    if not _is_database_url(url.get_secret_value()):
        raise ValueError(_NO_DATABASE)
    return url


def _is_database_url(url: str) -> bool:
    """Return whether the URL names a PostgreSQL database.

    An "@" after the host is the end of a password with an unescaped "/", "?" or "#".
    """
    try:
        parts = urlsplit(url)
        name = dj_database_url.parse(url).get("NAME")
    except (ValueError, dj_database_url.ParseError):  # their messages contain parts of the URL
        return False
    has_whole_password = "@" not in f"{parts.path}{parts.query}{parts.fragment}"
    return parts.scheme in _DATABASE_SCHEMES and bool(name) and has_whole_password


class Environment(BaseSettings):
    """The settings, read once at startup; an invalid value prevents startup and is reported."""

    model_config = SettingsConfigDict(env_prefix="AWAITSTEP_", frozen=True)

    mode: Literal["development", "production"] = "development"
    debug: bool = False
    data_dir: Annotated[Path, AfterValidator(Path.absolute)] = Field(default_factory=_data_dir)
    toolchain_dir: Path | None = (
        None  # read by toolchain.tools_folder, too, which does not know Django
    )
    port: Port = 8000
    local_cloudflare_port: Port = 8788
    local_cloudflare: bool | None = None
    local_cloudflare_concurrent_runs: Annotated[int, Field(ge=1)] = CONCURRENT_RUNS
    allowed_hosts: Words = "127.0.0.1,[::1]"
    trusted_origins: Words = ""
    request_seconds: Annotated[float, Field(gt=0)] = 30
    streams_per_user: Annotated[int, Field(ge=1)] = 50
    api_requests_per_minute: Annotated[int, Field(ge=0)] = 200
    api_writes_per_minute: Annotated[int, Field(ge=0)] = 30
    api_deploys_per_minute: Annotated[int, Field(ge=0)] = 10
    api_cors_origins: Words = ""
    https: bool | None = None
    secret_key: SecretStr | None = None
    encryption_keys: SecretStr | None = None
    deploy_threads: Annotated[int, Field(ge=1, le=32)] = 2
    deploy_timeout: Annotated[float, Field(gt=0)] = 120
    tasks: Literal["web", "worker"] = "web"
    spare_wranglers: Annotated[int, Field(ge=0, le=8)] = 1
    language_servers: Annotated[int, Field(ge=0, le=100)] = 10
    drift_hours: Annotated[float, Field(ge=0)] = 6
    keep_output_days: Days = 30
    keep_stages_days: Days = 365
    keep_runs_days: Days = 365
    keep_audit_days: Days = 365
    keep_alerts_days: Days = 90
    alert_private_addresses: bool = False
    email_host: str = ""
    email_port: Port = 587
    email_security: Literal["starttls", "tls", "none"] = "starttls"
    email_user: str = ""
    email_password: SecretStr | None = None
    email_from: str = "awaitstep@localhost"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    metrics_token: SecretStr | None = None
    trace_url: Annotated[str, AfterValidator(_trace_url)] = ""
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_trace_endpoint)] = Field(
        default="", validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    otel_exporter_otlp_traces_endpoint: Annotated[str, AfterValidator(_trace_endpoint)] = Field(
        default="", validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    otel_sdk_disabled: bool = Field(default=False, validation_alias="OTEL_SDK_DISABLED")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    database_url: Annotated[SecretStr | None, AfterValidator(_database_url)] = Field(
        default=None, validation_alias="DATABASE_URL"
    )

    @model_validator(mode="after")
    def _check_combinations(self) -> Environment:
        if self.production and "*" in self.allowed_hosts:
            raise ValueError("AWAITSTEP_ALLOWED_HOSTS must name the hosts, not '*', in production")
        if self.offers_local_cloudflare and any(map(_is_local_name, self.hosts)):
            raise ValueError(
                "AWAITSTEP_ALLOWED_HOSTS must not name localhost while the embedded platform is on, "
                "because Workers are served there: use 127.0.0.1"
            )
        if self.port == self.local_cloudflare_port:
            raise ValueError("AWAITSTEP_PORT and AWAITSTEP_LOCAL_CLOUDFLARE_PORT must differ")
        if self.metrics_token and len(self.metrics_token) < _SHORTEST_TOKEN:
            raise ValueError(
                f"AWAITSTEP_METRICS_TOKEN must have at least {_SHORTEST_TOKEN} characters"
            )
        return self

    @classmethod
    def read(cls) -> Environment:
        """Return the settings; raises ImproperlyConfigured, which names each invalid variable."""
        try:
            environment = cls()
            environment.folder  # noqa: B018 - creates it now, so that an unusable one fails at startup
        except ValidationError as error:
            messages = [_message(details) for details in error.errors()]
            raise ImproperlyConfigured("; ".join(messages)) from None
        except OSError as error:
            message = f"the data directory AWAITSTEP_DATA_DIR cannot be used: {error}"
            raise ImproperlyConfigured(message) from None
        return environment

    @property
    def production(self) -> bool:
        return self.mode == "production"

    @property
    def uses_https(self) -> bool:
        """Whether to use secure cookies and redirects: in production, unless AWAITSTEP_HTTPS is set."""
        return self.production if self.https is None else self.https

    @property
    def offers_local_cloudflare(self) -> bool:
        """Whether the embedded platform, which runs authors' code on this host, can be used."""
        return not self.production if self.local_cloudflare is None else self.local_cloudflare

    @property
    def exports_traces(self) -> bool:
        """Whether traces of deployments and runs are sent to a collector."""
        endpoint = self.otel_exporter_otlp_traces_endpoint or self.otel_exporter_otlp_endpoint
        return bool(endpoint) and not self.otel_sdk_disabled

    def trace_page(self, trace_id: str) -> str:
        """Return the address of the page of a trace; "" if AWAITSTEP_TRACE_URL is not set."""
        return self.trace_url.replace(_TRACE_ID, trace_id)

    @property
    def hosts(self) -> list[str]:
        return _split(self.allowed_hosts)

    @property
    def redirects_localhost(self) -> bool:
        """Whether requests for localhost are redirected to 127.0.0.1, which Workers do not share."""
        return "127.0.0.1" in self.hosts or "*" in self.hosts

    @property
    def origins(self) -> list[str]:
        return _split(self.trusted_origins)

    @property
    def cors_origins(self) -> list[str]:
        """The origins whose pages may call the API with a key."""
        return _split(self.api_cors_origins)

    @property
    def site_url(self) -> str:
        """The address of this installation in messages: the first trusted origin, or the first host.

        "" if neither names a host.
        """
        if self.origins:
            return self.origins[0].rstrip("/")
        host = self.hosts[0] if self.hosts else ""
        if not host or host.startswith((".", "*")):
            return ""
        return f"https://{host}" if self.uses_https else f"http://{host}:{self.port}"

    @cached_property
    def folder(self) -> Path:
        """The data directory, created on first access and readable only by its owner."""
        return private_folder(self.data_dir)

    @cached_property
    def static_root(self) -> Path:
        """Where `collectstatic` would write. It is not needed: static files are served in place."""
        return private_folder(self.folder / "static")

    @cached_property
    def django_secret_key(self) -> str:
        if self.secret_key:
            return self.secret_key.get_secret_value()
        return read_or_create(self.folder / "keys" / "django", get_random_secret_key)

    @cached_property
    def fernet_keys(self) -> list[str]:
        """The keys of encrypted fields: the first encrypts, all of them decrypt."""
        if self.encryption_keys:
            return _split(self.encryption_keys.get_secret_value())
        path = self.folder / "keys" / "encryption"
        return [read_or_create(path, lambda: Fernet.generate_key().decode())]


def _message(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    names = [str(name) for name in error["loc"]]
    is_shared = names[0].startswith(_SHARED) if names else False
    variable = names[0] if is_shared else "_".join(["AWAITSTEP", *names]).upper()
    return f"{variable}: {message}" if error["loc"] else message


def _is_local_name(host: str) -> bool:
    return f".{host.lower()}".endswith(".localhost")


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
