"""The composition root for web, workers and command line.

Settings become engines, a Redis connection, a bell and a clock here, and nowhere else. No
business rule and no SQL may enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeAlias

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Connection, Engine

from distrib import __version__
from distrib.dispatch import Bell, Ringer
from distrib.domain.errors import CannotStart
from distrib.domain.payouts.channels import Channel
from distrib.domain.policies.policy import Policy
from distrib.domain.texts import Text
from distrib.domain.trail import CHANGED, READ
from distrib.embedded import EmbeddedServers
from distrib.failpoints import arm_named
from distrib.figures import Figure, service_figures
from distrib.rates import Rates
from distrib.services.context import COMMAND_LINE, Actor, Program, Unit
from distrib.services.encryption import Sealer, data_keys, key_text
from distrib.services.orders.queue import orders_in_queue
from distrib.services.payouts.channels import load_channels
from distrib.services.pepper import Pepper
from distrib.services.policies import load_policies, signed_overrides
from distrib.services.programs.peppers import are_known, record_peppers
from distrib.services.programs.refusals import NoProgram, ProgramNotNamed
from distrib.services.programs.tenants import find_program, list_programs
from distrib.services.trail import Deed, has_written, note
from distrib.settings import Settings, read_settings
from distrib.store import migrate
from distrib.store.database import POOL_SIZE, WEB_ROLE, WORKER_ROLE, PoolSize, open_engine
from distrib.store.logins import WEB_LOGIN, WORKER_LOGIN, admit_logins, with_login
from distrib.tracing import start_tracing
from distrib.typed_commands import TypedCommand, typed_command

PROGRAMS_NAMED = 20
_WEB_OVERFLOW = 16  # three programs may hang, each with its share, beside a fourth
MOST_WEB_CONNECTIONS = POOL_SIZE + _WEB_OVERFLOW
"""That a process of the web has to the database at the most."""
Tell: TypeAlias = Callable[[Text], None]
_PEPPERS = "DISTRIB_KEY_PEPPER, DISTRIB_OTHER_PEPPER, DISTRIB_IDENTITY_PEPPER"
_log = structlog.get_logger(__name__)
_DATABASES = ("DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL")
_NUMBERS = (
    "drain_batch_orders",
    "sweep_interval_ms",
    "statement_timeout_ms",
    "lock_timeout_ms",
    "calls_per_key",
    "calls_per_address",
    "bad_keys_per_address",
    "connections_per_address",
    "hsts_seconds",
    "program_calls",
    "waiting_orders",
    "waiting_mib",
)
"""The settings that are numbers, which a child process is told as they are."""


def utc_now() -> datetime:
    """The one clock of the service."""
    return datetime.now(UTC)


@dataclass
class Container:
    """What the edges need: engines by role, policy packs, the bell and the clock.

    Args:
        database_url: by the web's login, which is the only one where no other is given.
        worker_database_url: by the workers' login, who alone may serve all programs.
        owner_database_url: by the login that owns the tables, for migrations.
    """

    settings: Settings
    database_url: str
    redis_url: str
    servers: EmbeddedServers | None = None
    command: TypedCommand | None = field(default_factory=typed_command)
    worker_database_url: str | None = None
    owner_database_url: str | None = None
    _closing: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def web_engine(self) -> Engine:
        """Engine under the web role: its connections see one program at a time."""
        return self._engine(self.database_url, WEB_ROLE, overflow=_WEB_OVERFLOW)

    @cached_property
    def worker_engine(self) -> Engine:
        """Engine under the worker role: its connections serve all programs."""
        return self._engine(self.worker_database_url or self.database_url, WORKER_ROLE)

    @cached_property
    def policies(self) -> Mapping[str, Policy]:
        """The policy packs by name, with local overrides; one that loosens a figure needs a sign-off on record."""
        return load_policies(self.settings.config_dir, self.settings.overrides_dir, self._signed_overrides, self.now)

    @cached_property
    def channels(self) -> list[Channel]:
        """The limits of payout channels, by date."""
        return load_channels(self.settings.config_dir)

    @cached_property
    def sealer(self) -> Sealer:
        """Encrypts payees and secrets of webhooks."""
        return Sealer(data_keys(self.settings.data_key, self._peppers))

    @cached_property
    def pepper(self) -> Pepper:
        """What hashes of keys, links and sessions are keyed with, and the other pepper that counts."""
        other = self.settings.other_pepper
        return Pepper(self.settings.key_pepper.encode(), other.encode() if other else None)

    @cached_property
    def identity_pepper(self) -> bytes:
        """What is keyed for ever: hashes of identities, digests in the trail, the seals of cursors."""
        return (self.settings.identity_pepper or self.settings.key_pepper).encode()

    @property
    def _peppers(self) -> list[str]:
        """All peppers of the settings, the one that hashes first."""
        settings = self.settings
        return [each for each in (settings.key_pepper, settings.other_pepper, settings.identity_pepper) if each]

    @cached_property
    def redis(self) -> redis.Redis:
        """A Redis connection whose every call ends within half a second."""
        client = redis.Redis.from_url(
            self.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )
        self._closing.callback(client.close)
        return client

    @cached_property
    def bell(self) -> Bell:
        """Wakes the workers."""
        return Bell(self.redis)

    @cached_property
    def ringer(self) -> Ringer:
        """Rings the bell for who must not wait for it."""
        ringer = Ringer(self.bell.ring)  # the bell first: what is opened last is closed first
        self._closing.callback(ringer.close)
        return ringer

    @cached_property
    def rates(self) -> Rates:
        """Counts calls; what processes count is exchanged by a thread of its own."""
        prefix = hashlib.blake2b(self.identity_pepper, digest_size=6, person=b"rates").hexdigest()
        rates = Rates(self.redis, f"distrib:rates:{prefix}")
        sharer = Ringer(rates.exchange)
        rates.wants_exchange = sharer.ring
        self._closing.callback(sharer.close)
        return rates

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return utc_now()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Opens one transaction under the worker role, committed at the end; what a command changes is in the trail."""
        with self.worker_engine.begin() as conn:
            yield conn
            if self.command is not None and has_written(conn):
                self._note(conn, self.command, CHANGED)

    def act(self, program: Program, actor: Actor | None = None) -> None:
        """Keeps for which program, and in whose name, the command acts; what it reads of people is in the trail now."""
        if self.command is None:
            return
        self.command.programs[program.program_id] = program
        if actor is not None:
            self.command.actor = actor
        if self.command.reads_personal:
            with self.worker_engine.begin() as conn:
                self._note(conn, self.command, READ)

    def unit(self, conn: Connection, code: str | None) -> Unit:
        """A unit of work of the command line in the program that ``program`` finds."""
        return Unit(conn, self.program(conn, code), COMMAND_LINE, self.now())

    def program(self, conn: Connection, code: str | None) -> Program:
        """Finds the program of a code, or the only one there is without a code.

        Raises:
            Refusal: ``program_unknown``; without a code ``program_not_named`` or ``no_program``.
        """
        program = self._program(conn, code)
        self.act(program)
        return program

    def _program(self, conn: Connection, code: str | None) -> Program:
        if code is not None:
            return find_program(conn, code)
        programs = list_programs(conn)
        if len(programs) > 1:
            more = ["…"] if len(programs) > PROGRAMS_NAMED else []
            raise ProgramNotNamed(
                programs=", ".join([*(program.code for program in programs[:PROGRAMS_NAMED]), *more]),
            )
        if not programs:
            raise NoProgram()
        return programs[0]

    def orders_in_queue(self) -> int:
        """Counts the orders that wait in the queue, over all programs."""
        with self.begin() as conn:
            return orders_in_queue(conn)

    def figures(self, now: datetime) -> dict[str, Figure]:
        """Reads what ``/metrics`` asks for over all programs, by its Prometheus names."""
        with self.web_engine.begin() as conn:
            return service_figures(conn, now)

    def environment(self) -> dict[str, str]:
        """The environment variables with which a child process uses the same servers, secrets and settings.

        The owner's address is none of it, nor a file that would say another than these do.
        """
        return {
            **dict.fromkeys((f"DISTRIB_{name}_FILE" for name in _DATABASES), ""),
            "DISTRIB_DATABASE_URL": self.database_url,
            "DISTRIB_WORKER_DATABASE_URL": self.worker_database_url or "",
            "DISTRIB_OWNER_DATABASE_URL": "",
            "DISTRIB_REDIS_URL": self.redis_url,
            "DISTRIB_VAR_DIR": str(self.settings.var_dir),
            "DISTRIB_KEY_PEPPER": self.settings.key_pepper,
            "DISTRIB_OTHER_PEPPER": self.settings.other_pepper,
            "DISTRIB_IDENTITY_PEPPER": self.settings.identity_pepper,
            "DISTRIB_DATA_KEY": self.settings.data_key or ",".join(map(key_text, self._peppers)),
            "DISTRIB_METRICS_KEY": self.settings.metrics_key,
            "DISTRIB_WEBHOOK_ALLOW_PRIVATE": "true" if self.settings.webhook_allow_private else "false",
            **{f"DISTRIB_{name.upper()}": str(getattr(self.settings, name)) for name in _NUMBERS},
            "DISTRIB_TRUSTED_PROXIES": self.settings.trusted_proxies,
        }

    def web_environment(self) -> dict[str, str]:
        """The environment variables of a process that serves the web: it is never told the workers' login."""
        return {**self.environment(), "DISTRIB_WORKER_DATABASE_URL": ""}

    def joining_environment(self) -> dict[str, str]:
        """The environment variables with which a command joins the embedded servers, or those of ``environment``."""
        return {"DISTRIB_VAR_DIR": str(self.settings.var_dir)} if self.servers is not None else self.environment()

    def must_be_served(self) -> None:
        """Checks that the database stands at a schema which this release can serve.

        Raises:
            CannotStart: ``distrib migrate`` has to run first.
        """
        migrate.must_be_served(self.web_engine)

    def knows_its_peppers(self) -> bool:
        """Whether the peppers of the settings are those that the database was served with."""
        with self.web_engine.begin() as conn:
            return are_known(conn, self.pepper, self.identity_pepper)

    def record_peppers(self) -> None:
        """Records with which peppers the database is served from now on; for workers and commands, who may."""
        with self.worker_engine.begin() as conn:
            record_peppers(conn, self.pepper, self.identity_pepper, self.now())

    def tell_wrong_peppers(self) -> None:
        """Says in the log that a pepper is wrong, where it is.

        The service goes on: what needs no key is done, and ``/readyz`` says why it is not ready.
        """
        if not self.knows_its_peppers():
            _log.error("pepper_wrong", settings=_PEPPERS, see="docs/operations.md#rotating-secrets")

    def must_know_its_peppers(self) -> None:
        """Records and checks the peppers before a command hashes with them.

        Raises:
            CannotStart: they are not those that the database was served with.
        """
        self.record_peppers()
        if not self.knows_its_peppers():
            raise CannotStart(Text("{settings}: not what this database was served with.", settings=_PEPPERS))

    def disconnect(self) -> None:
        """Closes every connection to the database; whoever needs one opens it anew."""
        self.worker_engine.dispose()
        self.web_engine.dispose()

    def close(self) -> None:
        """Closes every connection."""
        self._closing.close()

    def _note(self, conn: Connection, command: TypedCommand, kind: str) -> None:
        """Records a command's deed with each program it is for."""
        named = (command.name, command.request_id, kind, command.subject, command.sent.get("shop_id"), command.sent)
        deed = Deed(*named, os_user=command.os_user)
        for _, program in sorted(command.programs.items()):
            note(Unit(conn, program, command.actor, self.now()), deed, self.identity_pepper)

    def _signed_overrides(self) -> set[str]:
        with self.web_engine.begin() as conn:
            return signed_overrides(conn)

    def _engine(self, database_url: str, role: str, overflow: int | None = None) -> Engine:
        engine = open_engine(
            database_url,
            role,
            statement_timeout_ms=self.settings.statement_timeout_ms,
            lock_timeout_ms=self.settings.lock_timeout_ms,
            pool=PoolSize(overflow=overflow),
        )
        self._closing.callback(engine.dispose)
        return engine


@contextmanager
def traced(settings: Settings, service: str) -> Iterator[None]:
    """Sends the spans of this process to the collector of the settings, if any, until the block ends."""
    if settings.otel_endpoint is None:
        yield
        return
    end = start_tracing(settings.otel_endpoint, service, __version__)
    try:
        yield
    finally:
        end()


def migration_text(before: str | None, after: str) -> Text:
    """What is said before a database is migrated: from which schema, None where it has none, and to which."""
    if before is None:
        return Text("Bringing the database from nothing to schema {after} …", after=after)
    return Text("Bringing the database from schema {before} to {after} …", before=before, after=after)


@contextmanager
def open_container(
    settings: Settings | None = None, *, migrated: bool = True, tell: Tell = lambda _text: None
) -> Iterator[Container]:
    """Opens a container on the servers of the settings, or on the embedded pair while it is open.

    Args:
        settings: read from the environment when not given.
        migrated: bring an embedded database to the newest schema first; a database of one's
            own is migrated by ``distrib migrate`` alone. False: everything by the login of the owner, and nothing
            is migrated.
        tell: is told what is done, before it is done: what of it takes seconds.
    """
    settings = settings or read_settings()
    if settings.failpoint:
        arm_named(settings.failpoint)
    with ExitStack() as stack:
        if settings.database_url is None or settings.redis_url is None:
            tell(Text("Starting PostgreSQL and Valkey under {directory} …", directory=settings.var_dir))
            servers = stack.enter_context(EmbeddedServers(settings.var_dir))
            container = _embedded(settings, servers, migrated=migrated, tell=tell)
        elif migrated:
            container = Container(
                settings,
                settings.database_url,
                settings.redis_url,
                worker_database_url=settings.worker_database_url,
                owner_database_url=settings.owner_database_url,
            )
        else:
            container = Container(settings, settings.owner_database_url or settings.database_url, settings.redis_url)
        stack.callback(container.close)
        yield container


def _embedded(settings: Settings, servers: EmbeddedServers, *, migrated: bool, tell: Tell) -> Container:
    """A container on the embedded pair, with a login for the web and one for workers once there are roles for them."""
    owner_url = servers.database_url
    if not migrated:
        return Container(settings, owner_url, servers.redis_url, servers)
    migrate.upgrade(owner_url, announce=lambda before, after: tell(migration_text(before, after)))
    web_url, worker_url = with_login(owner_url, WEB_LOGIN), with_login(owner_url, WORKER_LOGIN)
    admit_logins(owner_url, web_url, worker_url)
    return Container(
        settings, web_url, servers.redis_url, servers, worker_database_url=worker_url, owner_database_url=owner_url
    )
