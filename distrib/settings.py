"""What the environment says, read once into a frozen value, every mistake reported at once.

Nothing is connected or started here, and no message repeats a value: some are secrets.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from environs import EnvValidationError, FileAwareEnv

from distrib.domain.texts import Text
from distrib.languages import render_both
from distrib.own_secret import own_secret
from distrib.setting_checks import (
    Check,
    SettingsError,
    any_of,
    anything,
    base_of_links,
    has_scheme,
    is_known_password,
    keys_of_data,
    long_enough,
    must_exist,
    names_failpoint,
    networks,
    scopes_of_openid,
    unless_empty,
    whole_number,
)

PREFIX = "DISTRIB_"
_PACKAGE = Path(__file__).resolve().parent
REPOSITORY = _PACKAGE.parent
"""Where the package lies: a checkout, or the packages of an installation, which has no other file of a checkout."""
FORMATS = ("json", "text")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ENVIRONMENTS = ("development", "production")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. Each field is the variable of its name: `DISTRIB_VAR_DIR` for `var_dir`."""

    database_url: str | None = field(default=None, repr=False)
    """PostgreSQL, as SQLAlchemy takes it, by the web's login; None for the embedded one."""
    worker_database_url: str | None = field(default=None, repr=False)
    """The same database by the login of workers and commands; None: by the web's, which then has to be both."""
    owner_database_url: str | None = field(default=None, repr=False)
    """The same database by the login that owns its tables, for ``distrib migrate``; None: by the web's."""
    redis_url: str | None = field(default=None, repr=False)
    """Redis or Valkey; None for the embedded one."""
    var_dir: Path
    """Where what the service keeps on disk lies."""
    config_dir: Path = _PACKAGE / "config"
    """Policies, plans, channels and the settings of gunicorn; in a checkout a link to its ``config``."""
    policy_overrides: Path | None = None
    """Where local overrides of policy packs stand; policies/local of the configuration if not given."""
    key_pepper: str = field(repr=False)
    """What keyed hashes (of API keys, links and sessions) are keyed with. Losing it loses all keys."""
    other_pepper: str = field(default="", repr=False)
    """Another pepper that keys may be hashed with: the one before this, or the one that comes; empty: none."""
    identity_pepper: str = field(default="", repr=False)
    """What identities of shops and payees are hashed with, for ever; empty: ``key_pepper``, until that is changed."""
    data_key: str = field(default="", repr=False)
    """What payees and secrets of webhooks are encrypted with: 32 bytes in urlsafe base64, or several of these parted
    by commas, the newest first. Where it is empty the key follows from the pepper."""
    metrics_key: str = field(default="", repr=False)
    """What whoever reads the figures of the service presents; without it they are for the machine itself alone."""
    log_level: str = "INFO"
    log_format: str = "json"
    """How a line of the log is written: as a JSON object, or as text for people."""
    otel_endpoint: str | None = None
    """Where spans of OpenTelemetry are sent, by OTLP over HTTP; None: none are taken."""
    statement_timeout_ms: int = 15_000
    lock_timeout_ms: int = 5_000
    drain_batch_orders: int = 2_000
    worker_processes: int = 2
    sweep_interval_ms: int = 1_000
    calls_per_key: int = 60_000
    """Calls a minute of a key that has no limit of its own."""
    calls_per_address: int = 3_000
    """Calls a minute of an address before a key is known: pages that need none, and keys seen for the first time."""
    bad_keys_per_address: int = 60
    """Keys a minute that were not good, after which an address is refused unless it comes with one that was."""
    program_calls: int = 8
    """Calls of one program that a web process works on at a time, as many again wait; 0: no bound."""
    waiting_orders: int = 2_000_000
    """Orders of one program that may wait to be settled before further events are refused."""
    waiting_mib: int = 8_192
    """The same by the weight of their events, in MiB."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses or networks, parted by commas, of the proxies whose word is taken for where a call comes from
    (`X-Forwarded-For`) and how (`X-Forwarded-Proto`); their connections are not counted. gunicorn.conf.py reads it."""
    environment: str = "development"
    webhook_allow_private: bool = False
    """Whether webhooks may go to private addresses, and without TLS: for development alone."""
    public_url: str | None = None
    """What links to this service begin with, as people outside reach it; None: as the request that asks reached it."""
    oidc_issuer: str | None = None
    """The issuer of a provider of OpenID Connect at which people may sign in; None: by password alone."""
    oidc_client_id: str = ""
    """As what the service is registered there."""
    oidc_client_secret: str = field(default="", repr=False)
    """What it proves that with; empty for a public client."""
    oidc_scopes: str = "openid"
    """What it asks for; nothing but the subject is used."""
    oidc_title: str | None = None
    """What the button on the page of signing in calls the provider; the issuer's host if not given."""
    failpoint: str = ""
    """Where this process dies or fails, once: for tests alone (see ``distrib.failpoints``)."""

    connections_per_address: int = 64
    """How many connections one address may have with one process of the API."""
    hsts_seconds: int = 31_536_000
    """What `Strict-Transport-Security` says where a caller came over TLS; 0 says nothing."""

    @property
    def overrides_dir(self) -> Path:
        """Where local overrides of policy packs stand."""
        return self.policy_overrides or self.config_dir / "policies" / "local"

    @property
    def is_embedded(self) -> bool:
        """Whether the private servers are to be used."""
        return self.database_url is None


def read_settings() -> Settings:
    """What the process's environment says; makes the embedded default's secret the first time.

    A variable `X` may be given as `X_FILE`, the path of a file that holds it. An empty one counts as not given.

    Raises:
        SettingsError: with every mistake there is.
    """
    reader = EnvironmentReader()
    settings = Settings(
        database_url=reader.url("database_url", ["postgresql", "postgresql+psycopg"]),
        worker_database_url=reader.url("worker_database_url", ["postgresql", "postgresql+psycopg"]),
        owner_database_url=reader.url("owner_database_url", ["postgresql", "postgresql+psycopg"]),
        redis_url=reader.url("redis_url", ["redis", "rediss", "unix"]),
        var_dir=_var_dir(reader),
        config_dir=reader.path("config_dir", Settings.config_dir, must_exist),
        policy_overrides=reader.optional_path("policy_overrides", must_exist),
        key_pepper=reader.text("key_pepper", "", long_enough),
        other_pepper=reader.text("other_pepper", "", long_enough),
        identity_pepper=reader.text("identity_pepper", "", long_enough),
        data_key=reader.text("data_key", "", keys_of_data),
        metrics_key=reader.text("metrics_key", "", long_enough),
        log_level=reader.text("log_level", Settings.log_level, any_of(LOG_LEVELS)),
        log_format=reader.text("log_format", Settings.log_format, any_of(FORMATS)),
        otel_endpoint=reader.text("otel_endpoint", "", base_of_links) or None,
        statement_timeout_ms=reader.number("statement_timeout_ms", Settings.statement_timeout_ms, 100, 600_000),
        lock_timeout_ms=reader.number("lock_timeout_ms", Settings.lock_timeout_ms, 100, 600_000),
        drain_batch_orders=reader.number("drain_batch_orders", Settings.drain_batch_orders, 1, 20_000),
        worker_processes=reader.number("worker_processes", Settings.worker_processes, 1, 64),
        sweep_interval_ms=reader.number("sweep_interval_ms", Settings.sweep_interval_ms, 50, 60_000),
        calls_per_key=reader.number("calls_per_key", Settings.calls_per_key, 1, 10**9),
        calls_per_address=reader.number("calls_per_address", Settings.calls_per_address, 1, 10**9),
        bad_keys_per_address=reader.number("bad_keys_per_address", Settings.bad_keys_per_address, 1, 10**9),
        program_calls=reader.number("program_calls", Settings.program_calls, 0, 1_000),
        waiting_orders=reader.number("waiting_orders", Settings.waiting_orders, 1, 10**12),
        waiting_mib=reader.number("waiting_mib", Settings.waiting_mib, 1, 10**9),
        trusted_proxies=reader.text("trusted_proxies", Settings.trusted_proxies, networks),
        environment=reader.text("environment", Settings.environment, any_of(ENVIRONMENTS)),
        webhook_allow_private=reader.flag("webhook_allow_private"),
        connections_per_address=reader.number("connections_per_address", Settings.connections_per_address, 1, 100_000),
        hsts_seconds=reader.number("hsts_seconds", Settings.hsts_seconds, 0, 63_072_000),
        public_url=reader.text("public_url", "", base_of_links).rstrip("/") or None,
        oidc_issuer=reader.text("oidc_issuer", "", base_of_links) or None,
        oidc_client_id=reader.text("oidc_client_id", "", anything),
        oidc_client_secret=reader.text("oidc_client_secret", "", anything),
        oidc_scopes=reader.text("oidc_scopes", Settings.oidc_scopes, scopes_of_openid),
        oidc_title=reader.text("oidc_title", "", anything) or None,
        failpoint=reader.text("failpoint", "", names_failpoint),
    )
    mistakes = [*reader.mistakes(), *contradictions(), *weaknesses(settings), *unknown_variables()]
    if mistakes:
        raise SettingsError(mistakes)
    return settings if settings.key_pepper else replace(settings, key_pepper=own_secret(settings.var_dir))


def trusted_proxies() -> str:
    """Whom the server believes how callers came, without a look at the other settings."""
    return EnvironmentReader().text("trusted_proxies", Settings.trusted_proxies, networks)


def log_format() -> str:
    """How the log is written, without a look at the other settings."""
    return EnvironmentReader().text("log_format", Settings.log_format, any_of(FORMATS))


def var_dir() -> Path:
    """Where what the service keeps on disk lies, without a look at the other settings."""
    return _var_dir(EnvironmentReader())


class EnvironmentReader:
    """Reads one variable after the other and remembers what was wrong; what was wrong reads as its default."""

    def __init__(self) -> None:
        """Read from the process's environment."""
        self._env = FileAwareEnv(prefix=PREFIX, eager=False, strip_whitespace=True)
        self._unreadable: list[str] = []

    def mistakes(self) -> list[str]:
        """Everything that was wrong so far; nothing can be read afterwards."""
        try:
            self._env.seal()
        except EnvValidationError as error:
            messages: Mapping[str, list[str]] = {} if isinstance(error.error_messages, list) else error.error_messages
            return [*self._unreadable, *(f"{name}: {text}" for name, texts in messages.items() for text in texts)]
        return self._unreadable

    def text(self, name: str, default: str, check: Check) -> str:
        """A text that passes the check."""
        try:
            return self._env.str(name.upper(), "", validate=unless_empty(check)) or default
        except ValueError as error:  # the file it names cannot be read: the one mistake that environs does not collect
            words = f"{PREFIX}{name.upper()}_FILE: {error}" if isinstance(error, UnicodeDecodeError) else error
            self._unreadable.append(render_both(Text("{problem}", "settings file", problem=words)))
            return default

    def url(self, name: str, schemes: Sequence[str]) -> str | None:
        """The address of a server, if there is one."""
        return self.text(name, "", has_scheme(schemes)) or None

    def path(self, name: str, default: Path, check: Check) -> Path:
        """A path, made absolute against the working directory."""
        return Path(self.text(name, str(default), check)).expanduser().absolute()

    def optional_path(self, name: str, check: Check) -> Path | None:
        """A path, made absolute against the working directory; None where none is given."""
        text = self.text(name, "", check)
        return Path(text).expanduser().absolute() if text else None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds."""
        return int(self.text(name, str(default), whole_number(low, high)))

    def flag(self, name: str) -> bool:
        """Whether something is wanted that is not by default."""
        return self.text(name, "false", any_of(("true", "false"))) == "true"


def _var_dir(reader: EnvironmentReader) -> Path:
    return reader.path("var_dir", Path("var"), anything)


# --- checks of the whole ---


def contradictions() -> list[str]:
    """What does not go together; whether something was given counts here, not whether it was right."""
    mistakes = []
    has_database, has_redis = is_given("DATABASE_URL"), is_given("REDIS_URL")
    if has_database != has_redis:
        given, missing = ("DATABASE_URL", "REDIS_URL") if has_database else ("REDIS_URL", "DATABASE_URL")
        text = Text("must be set where {given} is; neither means the embedded servers", given=f"{PREFIX}{given}")
        mistakes.append(f"{PREFIX}{missing}: {render_both(text)}")
    if has_database and not is_given("KEY_PEPPER"):
        mistakes.append(
            f"{PREFIX}KEY_PEPPER: {render_both(Text('must be set where {given} is', given=f'{PREFIX}DATABASE_URL'))}"
        )
    others = [f"{PREFIX}{name}" for name in ("WORKER_DATABASE_URL", "OWNER_DATABASE_URL") if is_given(name)]
    if others and not has_database and not has_redis:
        text = Text("must be set where {given} is; neither means the embedded servers", given=others[0])
        mistakes.append(f"{PREFIX}DATABASE_URL: {render_both(text)}")
    mistakes += [*provider_mistakes(), *trace_mistakes()]
    if has_value("ENVIRONMENT", "production") and has_value("WEBHOOK_ALLOW_PRIVATE", "true"):
        mistakes.append(f"{PREFIX}WEBHOOK_ALLOW_PRIVATE: {render_both(Text('must not be set in production'))}")
    if has_value("ENVIRONMENT", "production") and is_given("FAILPOINT"):
        mistakes.append(f"{PREFIX}FAILPOINT: {render_both(Text('must not be set in production'))}")
    return mistakes


def provider_mistakes() -> list[str]:
    """What is missing for people to sign in at a provider, and what is set for nothing without one."""
    if not is_given("OIDC_ISSUER"):
        alone = [f"{PREFIX}{name}" for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_TITLE") if is_given(name)]
        text = Text("has no meaning without {missing}", missing=f"{PREFIX}OIDC_ISSUER")
        return [f"{name}: {render_both(text)}" for name in alone]
    mistakes = []
    if not is_given("OIDC_CLIENT_ID"):
        text = Text("must be set where {given} is", "sign-in", given=f"{PREFIX}OIDC_ISSUER")
        mistakes.append(f"{PREFIX}OIDC_CLIENT_ID: {render_both(text)}")
    if find_spec("authlib") is None:
        text = Text("needs the extra {extra}: pip install 'distrib[{extra}]'", extra="oidc")
        mistakes.append(f"{PREFIX}OIDC_ISSUER: {render_both(text)}")
    return mistakes


def trace_mistakes() -> list[str]:
    """What sends spans is an extra."""
    if not is_given("OTEL_ENDPOINT") or has_distribution("opentelemetry-exporter-otlp-proto-http"):
        return []
    text = Text("needs the extra {extra}: pip install 'distrib[{extra}]'", extra="otel")
    return [f"{PREFIX}OTEL_ENDPOINT: {render_both(text)}"]


def has_distribution(name: str) -> bool:
    """Whether a package of that name is installed."""
    return next(iter(distributions(name=name)), None) is not None


def weaknesses(settings: Settings) -> list[str]:
    """Secrets that production cannot be without, or that everybody knows."""
    if settings.environment != "production":
        return []
    mistakes = []
    if settings.database_url is not None and not is_given("DATA_KEY"):
        mistakes.append(f"{PREFIX}DATA_KEY: {render_both(Text('must be set in production'))}")
    if settings.oidc_issuer is not None and not settings.oidc_issuer.startswith("https://"):
        mistakes.append(
            f"{PREFIX}OIDC_ISSUER: {render_both(Text('must begin with one of {choices}', choices='https://'))}"
        )
    for name, url in (("DATABASE_URL", settings.database_url), ("REDIS_URL", settings.redis_url)):
        parts = urlsplit(url or "")
        password = parts.password
        if password is not None and (password == parts.username or is_known_password(password)):
            mistakes.append(f"{PREFIX}{name}: {render_both(Text('has a password that others know'))}")
    return mistakes


def is_given(name: str) -> bool:
    """Whether a variable, or a file for it, is set and not empty."""
    return bool(os.environ.get(f"{PREFIX}{name}") or os.environ.get(f"{PREFIX}{name}_FILE"))


def has_value(name: str, value: str) -> bool:
    """Whether a variable says just that."""
    return os.environ.get(f"{PREFIX}{name}", "").strip() == value


def unknown_variables() -> list[str]:
    """Variables that look like ours and are none: more likely misspelt than meant for others."""
    known = [f"{PREFIX}{name.name.upper()}" for name in fields(Settings)]
    known += [f"{name}_FILE" for name in known]
    ours = sorted(name for name in os.environ if name.startswith(PREFIX))
    return [f"{name}: {render_both(unknown_variable(name, known))}" for name in ours if name not in known]


def unknown_variable(name: str, known: Sequence[str]) -> Text:
    """That there is no such setting, and what was probably meant."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return Text("is not a setting, did you mean {near}?", near=near[0])
    return Text("is not a setting", "variable")
