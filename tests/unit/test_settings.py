"""Settings: read once, every mistake at once, secrets kept."""

import os
from pathlib import Path

import pytest

from distrib.setting_checks import SettingsError
from distrib.settings import read_settings

DATABASE = "postgresql+psycopg://distrib@db/distrib"
REDIS = "redis://queue:6379/0"
PEPPER = "a pepper of thirty-two characters"
DATA_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without our variables, in an empty directory."""
    for name in [name for name in os.environ if name.startswith("DISTRIB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def external(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of one's own, completely described."""
    monkeypatch.setenv("DISTRIB_DATABASE_URL", DATABASE)
    monkeypatch.setenv("DISTRIB_REDIS_URL", REDIS)
    monkeypatch.setenv("DISTRIB_KEY_PEPPER", PEPPER)


def mistakes() -> list[str]:
    """What is wrong with the environment."""
    with pytest.raises(SettingsError) as caught:
        read_settings()
    return caught.value.mistakes


def test_nothing_set_means_the_embedded_servers_under_var(tmp_path: Path) -> None:
    settings = read_settings()
    assert settings.is_embedded
    assert settings.redis_url is None
    assert settings.var_dir == tmp_path / "var"
    assert (settings.config_dir / "policies").is_dir()
    assert (settings.statement_timeout_ms, settings.lock_timeout_ms) == (15_000, 5_000)
    assert (settings.drain_batch_orders, settings.worker_processes, settings.sweep_interval_ms) == (2_000, 2, 1_000)


def test_the_embedded_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, second = read_settings(), read_settings()
    secret = tmp_path / "var" / "secret"
    assert first.key_pepper == second.key_pepper == secret.read_text("ascii")
    assert len(first.key_pepper) >= 32
    assert secret.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe" * 20])
def test_a_secret_that_was_damaged_is_a_mistake_and_not_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret").write_bytes(content)
    assert mistakes()[0].startswith(f"{tmp_path}/var/secret is not the secret that was made here")


def test_a_secret_that_cannot_be_made_is_a_mistake_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a directory")
    assert mistakes()[0].startswith(f"{tmp_path}/var/secret: ")


def test_own_servers_are_taken_as_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    external(monkeypatch)
    settings = read_settings()
    assert (settings.database_url, settings.redis_url, settings.key_pepper) == (DATABASE, REDIS, PEPPER)
    assert not settings.is_embedded
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(("given", "missing"), [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")])
def test_one_server_without_the_other_is_a_mistake(monkeypatch: pytest.MonkeyPatch, given: str, missing: str) -> None:
    external(monkeypatch)
    monkeypatch.delenv(f"DISTRIB_{missing}")
    assert [text.partition(":")[0] for text in mistakes()] == [f"DISTRIB_{missing}"]


def test_a_login_of_workers_or_of_the_owner_without_that_of_the_web_is_one_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("WORKER_DATABASE_URL", "OWNER_DATABASE_URL"):
        monkeypatch.setenv(f"DISTRIB_{name}", DATABASE)
        assert [text.partition(":")[0] for text in mistakes()] == ["DISTRIB_DATABASE_URL"]
    external(monkeypatch)
    settings = read_settings()
    assert settings.worker_database_url == settings.owner_database_url == DATABASE
    assert DATABASE not in repr(settings)


def test_a_database_of_ones_own_needs_a_pepper_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    external(monkeypatch)
    monkeypatch.delenv("DISTRIB_KEY_PEPPER")
    assert [text.partition(":")[0] for text in mistakes()] == ["DISTRIB_KEY_PEPPER"]


def test_every_mistake_is_told_at_once_in_both_languages_and_no_value_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = {
        "DATABASE_URL": "mysql://secret@db/x",
        "REDIS_URL": "http://secret",
        "KEY_PEPPER": "secret",
        "CONFIG_DIR": "/no/secret",
        "LOG_LEVEL": "secret",
        "STATEMENT_TIMEOUT_MS": "-1",
        "LOCK_TIMEOUT_MS": "1e4",
        "DRAIN_BATCH_ORDERS": "20001",
        "WORKER_PROCESSES": "0",
        "SWEEP_INTERVAL_MS": "1.5",
        "ENVIRONMENT": "secret",
        "DATA_KEY": "secret",
        "WEBHOOK_ALLOW_PRIVATE": "secret",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(f"DISTRIB_{name}", value)
    reported = mistakes()
    assert {text.partition(":")[0] for text in reported} == {f"DISTRIB_{name}" for name in wrong}
    assert len(reported) == len(wrong)
    assert not [text for text in reported if "secret" in text or " / " not in text]


def test_production_names_every_secret_that_is_missing_or_that_others_know(monkeypatch: pytest.MonkeyPatch) -> None:
    external(monkeypatch)
    monkeypatch.setenv("DISTRIB_ENVIRONMENT", "production")
    monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql+psycopg://distrib:distrib@db/distrib")
    monkeypatch.setenv("DISTRIB_REDIS_URL", "redis://:ChangeMe!@queue:6379/0")
    monkeypatch.setenv("DISTRIB_KEY_PEPPER", "change-me-change-me")
    monkeypatch.setenv("DISTRIB_METRICS_KEY", "a" * 40)
    reported = mistakes()
    assert sorted(text.partition(":")[0].removeprefix("DISTRIB_") for text in reported) == [
        "DATABASE_URL",
        "DATA_KEY",
        "KEY_PEPPER",
        "METRICS_KEY",
        "REDIS_URL",
    ]
    assert not [text for text in reported if "hangeMe" in text or "change-me" in text or " / " not in text]


def test_production_with_secrets_of_its_own_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    external(monkeypatch)
    monkeypatch.setenv("DISTRIB_ENVIRONMENT", "production")
    monkeypatch.setenv("DISTRIB_DATA_KEY", DATA_KEY)
    monkeypatch.setenv("DISTRIB_DATABASE_URL", "postgresql+psycopg://distrib:s3Kf-9xQ2@db/distrib")
    assert read_settings().environment == "production"
    monkeypatch.delenv("DISTRIB_DATA_KEY")
    assert [text.partition(":")[0] for text in mistakes()] == ["DISTRIB_DATA_KEY"]


@pytest.mark.parametrize("name", ["KEY_PEPPER", "DATA_KEY", "METRICS_KEY"])
@pytest.mark.parametrize("value", ["A" * 43, "changeme-changeme-changeme-changeme-changem"])
def test_a_secret_of_an_example_is_a_mistake_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DISTRIB_{name}", value)
    [reported] = mistakes()
    assert reported.startswith(f"DISTRIB_{name}: is a secret that others know")


@pytest.mark.parametrize("value", ["1", "20000"])
def test_bounds_themselves_are_allowed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DISTRIB_DRAIN_BATCH_ORDERS", value)
    assert read_settings().drain_batch_orders == int(value)


def test_an_unknown_variable_is_a_mistake_and_the_likely_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIB_LOG_LEVLE", "DEBUG")
    assert "did you mean DISTRIB_LOG_LEVEL?" in mistakes()[0]


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "KEY_PEPPER", "WORKER_PROCESSES", "LOG_LEVEL", "VAR_DIR"):
        monkeypatch.setenv(f"DISTRIB_{name}", "")
    settings = read_settings()
    assert settings.is_embedded
    assert (settings.worker_processes, settings.log_level) == (2, "INFO")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    external(monkeypatch)
    (tmp_path / "pepper").write_text(f"{PEPPER}\n")
    monkeypatch.delenv("DISTRIB_KEY_PEPPER")
    monkeypatch.setenv("DISTRIB_KEY_PEPPER_FILE", str(tmp_path / "pepper"))
    assert read_settings().key_pepper == PEPPER


def test_a_file_that_cannot_be_read_is_told_with_the_other_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRIB_KEY_PEPPER_FILE", "/no/such/file")
    monkeypatch.setenv("DISTRIB_WORKER_PROCESSES", "many")
    assert ["DISTRIB_KEY_PEPPER_FILE" in text for text in mistakes()] == [True, False]


def test_secrets_do_not_show_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    external(monkeypatch)
    monkeypatch.setenv("DISTRIB_DATA_KEY", DATA_KEY)
    shown = repr(read_settings())
    assert DATABASE not in shown
    assert REDIS not in shown
    assert PEPPER not in shown
    assert DATA_KEY not in shown


@pytest.mark.parametrize("given", [DATA_KEY, f"{DATA_KEY}, {DATA_KEY.rstrip('=')}"])
def test_the_data_key_is_one_or_several_of_32_bytes(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("DISTRIB_DATA_KEY", given)
    assert read_settings().data_key == given


def test_private_webhooks_are_for_development_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().webhook_allow_private is False
    monkeypatch.setenv("DISTRIB_WEBHOOK_ALLOW_PRIVATE", "true")
    assert read_settings().webhook_allow_private is True
    monkeypatch.setenv("DISTRIB_ENVIRONMENT", "production")
    assert [text.partition(":")[0] for text in mistakes()] == ["DISTRIB_WEBHOOK_ALLOW_PRIVATE"]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://fx.example.com", "https://fx.example.com"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://fx.example.com/d/", "https://fx.example.com/d"),
        ("", None),
    ],
)
def test_links_begin_with_the_public_url(monkeypatch: pytest.MonkeyPatch, given: str, base: str | None) -> None:
    monkeypatch.setenv("DISTRIB_PUBLIC_URL", given)
    assert read_settings().public_url == base


@pytest.mark.parametrize(
    "given",
    [
        "fx.example.com",
        "ftp://fx.example.com",
        "https://",
        "https://u@fx.example.com",
        "https://fx.example.com/?x",
        "https://fx.example.com/#x",
        "https://fx example.com",
        "https://[",
        "https://fx.example.com:99999",
        f"https://{'x' * 200}.com",
        "https://例.com",
        'https://fx.example.com/"',
    ],
)
def test_what_no_link_can_begin_with_is_a_mistake(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("DISTRIB_PUBLIC_URL", given)
    [mistake] = mistakes()
    assert mistake.startswith("DISTRIB_PUBLIC_URL: must be like https://")


def test_a_provider_is_set_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CLIENT_ID", "CLIENT_SECRET", "TITLE"):
        monkeypatch.setenv(f"DISTRIB_OIDC_{name}", "given")
    alone = [f"DISTRIB_OIDC_{name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "TITLE")]
    assert [text.partition(":")[0] for text in mistakes()] == alone
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("DISTRIB_OIDC_ISSUER", "https://id.example.com/realms/house")
    monkeypatch.delenv("DISTRIB_OIDC_CLIENT_SECRET")
    monkeypatch.setenv("DISTRIB_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    settings = read_settings()
    assert settings.oidc_issuer == "https://id.example.com/realms/house"
    assert (settings.oidc_client_secret, settings.oidc_scopes) == ("from a file", "openid")
    assert "from a file" not in repr(settings)
    monkeypatch.setenv("DISTRIB_OIDC_ISSUER", "http://id.example.com")
    monkeypatch.setenv("DISTRIB_OIDC_SCOPES", "profile email")
    monkeypatch.setenv("DISTRIB_ENVIRONMENT", "production")
    monkeypatch.delenv("DISTRIB_OIDC_CLIENT_ID")
    wrong = ["DISTRIB_OIDC_SCOPES", "DISTRIB_OIDC_CLIENT_ID", "DISTRIB_OIDC_ISSUER"]
    assert [text.partition(":")[0] for text in mistakes()] == wrong
