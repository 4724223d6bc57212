"""Django settings. Everything configurable comes from the environment (env.py)."""

from __future__ import annotations

import django_stubs_ext
from corsheaders.defaults import default_headers

from awaitstep_site import log_filters, log_format
from awaitstep_site.databases import database
from awaitstep_site.env import Environment
from toolchain.checkout import PROJECT
from web.gateway.body_limits import STAFF_BYTES

django_stubs_ext.monkeypatch()

AWAITSTEP = Environment.read()

SECRET_KEY = AWAITSTEP.django_secret_key
DEBUG = AWAITSTEP.debug
ALLOWED_HOSTS = AWAITSTEP.hosts
CSRF_TRUSTED_ORIGINS = AWAITSTEP.origins

OWN_APPS = [
    "audit",
    "web",
    "workflows",
    "targets",
    "deployments",
    "runs",
    "alerts",
    "api",
    "maintenance",
    "monitoring",
]
INSTALLED_APPS = [
    *OWN_APPS,
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "channels",
    "corsheaders",
    "django_eventstream",
    "django_htmx",
    "django_tasks",
    "import_export",
    "ninja",
]

# Widgets may be replaced by templates of this project.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "api.middleware.ApiMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.acting.ActorMiddleware",
    "web.login.backend.LoginLimitMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "web.admin_lists.bad_queries.BadQueryMiddleware",
    "web.busy_database.BusyDatabaseMiddleware",
]

ROOT_URLCONF = "awaitstep_site.urls"
ASGI_APPLICATION = "awaitstep_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": database(AWAITSTEP)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTHENTICATION_BACKENDS = [
    "web.login.backend.LoginLimit",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "deployments:dashboard"

LANGUAGE_CODE = "en"
TIME_ZONE = AWAITSTEP.time_zone
USE_TZ = True

EMAIL_HOST = AWAITSTEP.email_host  # "": no e-mail is sent
EMAIL_PORT = AWAITSTEP.email_port
EMAIL_USE_TLS = AWAITSTEP.email_security == "starttls"
EMAIL_USE_SSL = AWAITSTEP.email_security == "tls"
EMAIL_HOST_USER = AWAITSTEP.email_user
EMAIL_HOST_PASSWORD = (
    AWAITSTEP.email_password.get_secret_value() if AWAITSTEP.email_password else ""
)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = SERVER_EMAIL = AWAITSTEP.email_from

STATIC_URL = "static/"
STATIC_ROOT = AWAITSTEP.static_root
WHITENOISE_USE_FINDERS = True  # no collectstatic needed
WHITENOISE_AUTOREFRESH = DEBUG

TASKS = {
    "default": {
        "BACKEND": "deployments.queue.thread_backend.ThreadBackend",
        "QUEUES": ["default", "runs"],  # bulk changes of runs must not delay deployments
        "OPTIONS": {
            "threads": AWAITSTEP.deploy_threads,
            "is_for_workers": AWAITSTEP.tasks == "worker",
        },
    }
}

EVENTSTREAM_STORAGE_CLASS = "deployments.stream.event_log.StageRecordStorage"
EVENTSTREAM_CHANNELMANAGER_CLASS = "deployments.stream.event_log.DeploymentChannels"

# The embedded platform's router withholds cookies with this prefix from Workers.
# Forms hold whole documents, encoded; the gateway limits the bodies of requests by path.
DATA_UPLOAD_MAX_MEMORY_SIZE = STAFF_BYTES

SESSION_COOKIE_NAME = "awaitstep_session"
CSRF_COOKIE_NAME = "awaitstep_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = AWAITSTEP.uses_https
SECURE_SSL_REDIRECT = AWAITSTEP.uses_https
SECURE_HSTS_SECONDS = 31_536_000 if AWAITSTEP.uses_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = AWAITSTEP.uses_https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if AWAITSTEP.uses_https else None
X_FRAME_OPTIONS = "DENY"

# For keys only: browsers send no cookies along, because credentials are never allowed.
CORS_ALLOWED_ORIGINS = AWAITSTEP.cors_origins
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-Id",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "class": "awaitstep_site.log_format.TextFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": log_format.json_formatter},
    },
    "filters": {
        "no_client_error_traceback": {
            "()": "django.utils.log.CallbackFilter",
            "callback": log_filters.drop_client_error_traceback,
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": AWAITSTEP.log_format,
            "filters": ["no_client_error_traceback"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {name: {"level": AWAITSTEP.log_level} for name in ("toolchain", *OWN_APPS)}
    | {
        "django": {"handlers": []},  # Django's own handler would repeat lines in debug mode
        "django.request": {"level": AWAITSTEP.log_level},
        # They log the URLs of requests, which are secrets where alerts are sent to.
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
    },
}
