"""Webhooks: the schedule, the signature, and the addresses that nothing is sent to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from distrib.domain.webhooks import (
    MOST_SIGNATURES,
    SCHEDULE,
    TOLERANCE,
    SignedHeaders,
    host_and_port,
    is_public,
    message_body,
    secret_bytes,
    secret_text,
    signature,
    signature_fault,
    url_problem,
    wait_after,
)

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.8",
    "::1",
    "::",
    "::127.0.0.1",
    "::1:808:808",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "fec0::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2001:0:808:808:8000:63bf:f5ff:fffe",
]
TEREDO = "2001:0:7f00:1:8000:63bf:f7f7:f7f7"
"""The way of 8.8.8.8 over a relay that stands inside; what counts is where it ends."""
OUTSIDE = [
    "8.8.8.8",
    "1.1.1.1",
    "114.114.114.114",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "::808:808",
    TEREDO,
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_the_inside_is_not_public_however_it_is_written(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://hooks.example.com/x?y=1", None),
        ("https://hooks.example.com:8443/", None),
        ("https://8.8.8.8/", None),
        ("https://[2606:4700::1111]/", None),
        ("http://hooks.example.com/", "scheme"),
        ("ftp://hooks.example.com/", "scheme"),
        ("file:///etc/passwd", "url"),
        ("https://", "url"),
        ("https:///path", "url"),
        ("hooks.example.com", "url"),
        ("https://hooks.example.com:0/", "url"),
        ("https://hooks.example.com:99999/", "url"),
        ("https://hooks.example.com /", "url"),
        ("https://hooks.example.com\\@evil/", "url"),
        ("https://例子.example/", "url"),
        ("https://a.example/" + "x" * 1_982, None),
        ("https://a.example/" + "x" * 1_983, "url"),
        ("https://user:pass@hooks.example.com/", "extras"),
        ("https://user@hooks.example.com/", "extras"),
        ("https://:pass@hooks.example.com/", "extras"),
        ("https://hooks.example.com/#part", "extras"),
        ("https://localhost/", "address"),
        ("https://db/", "address"),
        ("https://db.internal/", "address"),
        ("https://db.prod.internal/", "address"),
        ("https://internal.example.com/", None),
        ("https://db.internal.example.com/", None),
        ("https://printer.local./", "address"),
        ("https://127.0.0.1/", "address"),
        ("https://127.1/", "address"),
        ("https://2130706433/", "address"),
        ("https://0x7f000001/", "address"),
        ("https://0x7f.0.0.1/", "address"),
        ("https://0177.0.0.1/", "address"),
        ("https://127.0.0.0x1/", "address"),
        ("https://[::1]/", "address"),
        ("https://[::ffff:169.254.169.254]/", "address"),
        ("https://169.254.169.254/latest/meta-data", "address"),
        ("https://10.0.0.8/", "address"),
    ],
)
def test_a_url_to_the_inside_or_without_tls_is_refused(url: str, problem: str | None) -> None:
    assert url_problem(url, allows_private=False) == problem


@pytest.mark.parametrize(
    ("url", "goes_to"),
    [
        ("https://hooks.example.com/x", ("hooks.example.com", 443)),
        ("http://hooks.example.com/x", ("hooks.example.com", 80)),
        ("https://hooks.example.com:8443/x", ("hooks.example.com", 8443)),
        ("https://[2606:4700::1111]/", ("2606:4700::1111", 443)),
        ("https://", ("", 443)),
    ],
)
def test_a_url_leads_to_its_host_and_to_the_port_of_its_scheme_unless_it_names_one(
    url: str, goes_to: tuple[str, int]
) -> None:
    assert host_and_port(url) == goes_to


def test_development_may_use_this_machine_and_still_needs_a_url() -> None:
    assert url_problem("http://127.0.0.1:9/hook", allows_private=True) is None
    assert url_problem("gopher://127.0.0.1/", allows_private=True) == "scheme"


def test_the_schedule_is_that_of_the_specification_with_a_tenth_of_jitter() -> None:
    seconds = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert [wait.total_seconds() for wait in SCHEDULE] == seconds
    for tries, planned in list(enumerate(SCHEDULE))[1:]:
        waits = [wait_after(tries, f"message {number}") for number in range(200)]
        assert all(wait is not None and planned <= wait <= planned * 1.1 for wait in waits)
        assert len(set(waits)) > 100
        assert waits[7] == wait_after(tries, "message 7")
    assert wait_after(len(SCHEDULE), "message") is None


def test_the_jitter_spreads_over_the_whole_tenth_and_is_the_same_on_every_machine() -> None:
    day = SCHEDULE[9]
    waits = [wait_after(9, f"message {number}") or day for number in range(200)]
    assert min(waits) < day * 1.005
    assert max(waits) > day * 1.095
    assert [wait_after(tries, "m7") for tries in (0, 1, 2, 5, 8, 9)] == [
        timedelta(0),
        timedelta(seconds=5, microseconds=130_727),
        timedelta(seconds=315, microseconds=552_681),  # .99 of a microsecond more, which does not count
        timedelta(seconds=19_678, microseconds=366_634),
        timedelta(seconds=76_974, microseconds=454_348),
        timedelta(days=1, seconds=5_605, microseconds=503_880),
    ]


def test_the_published_vector_is_met() -> None:
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_rotated_both_sign_with_one_space_between() -> None:
    old, new = bytes(24), bytes(range(24))
    each = [signature([secret], "msg_1", 1_614_265_330, b"{}") for secret in (new, old)]
    assert signature([new, old], "msg_1", 1_614_265_330, b"{}") == f"{each[0]} {each[1]}"
    assert each[0] != each[1]


SECRET, OTHER = b"s" * 32, b"o" * 32
SENT_AT = datetime(2026, 3, 1, tzinfo=UTC)
STAMP = str(int(SENT_AT.timestamp()))


@pytest.mark.parametrize(
    ("late", "fault"),
    [
        (timedelta(0), None),
        (TOLERANCE, None),
        (-TOLERANCE, None),
        (TOLERANCE + timedelta(seconds=1), "signature_expired"),
        (-TOLERANCE - timedelta(seconds=1), "signature_expired"),
    ],
)
def test_a_signature_is_good_for_a_while_before_and_after_its_time(late: timedelta, fault: str | None) -> None:
    signed = signature([SECRET], "m", int(STAMP), b"{}")
    assert signature_fault([SECRET], SignedHeaders("m", STAMP, signed), b"{}", SENT_AT + late) == fault


def test_any_of_a_few_signatures_by_any_secret_will_do_and_nothing_else() -> None:
    good = signature([SECRET], "m", int(STAMP), b"{}")
    bad = signature([SECRET], "n", int(STAMP), b"{}")

    def fault(signatures: str, message_id: str = "m", stamp: str = STAMP) -> str | None:
        return signature_fault([OTHER, SECRET], SignedHeaders(message_id, stamp, signatures), b"{}", SENT_AT)

    assert fault(f"{bad} {good}") is None
    assert fault(bad) == fault("") == fault(f"{bad}\t{good}") == "signature_wrong"
    assert fault(" ".join([bad] * MOST_SIGNATURES + [good])) == "signature_wrong"
    assert fault(good, message_id="消息") == fault(f"{good} 签") == "signature_wrong"
    assert fault(good, stamp="soon") == "signature_expired"


def test_a_secret_is_written_and_read_the_same() -> None:
    assert secret_bytes(secret_text(bytes(range(32)))) == bytes(range(32))
    with pytest.raises(ValueError, match=r"^not a secret$"):
        secret_bytes("whsec_*")


def test_the_body_is_type_time_and_data() -> None:
    occurred_at = datetime(2026, 3, 1, 2, tzinfo=UTC) + timedelta(microseconds=5)
    assert message_body("payout.settled", occurred_at, '{"id": "p"}') == (
        b'{"type":"payout.settled","timestamp":"2026-03-01T02:00:00.000005Z","data":{"id": "p"}}'
    )
