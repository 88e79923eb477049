"""One attempt: to the address that was checked, over TLS that holds, within its time, and no further."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from distrib.courier.pinned import Place, Sender, Unreachable
from tests.world.receivers import Receiver, receiver

BODY = b"{}"


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    """Somebody who receives, in the clear."""
    with receiver() as own:
        yield own


def refusal(sender: Sender, url: str) -> str:
    """Why there was no answer."""
    with pytest.raises(Unreachable) as caught:
        sender.post(url, {}, BODY)
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
)
def test_a_name_that_leads_inside_is_not_called(address: str) -> None:
    sender = Sender(resolve=lambda host, port: [address])
    assert refusal(sender, "https://hooks.example.com/") == "address_refused"


def test_a_name_with_one_address_inside_is_not_called_at_all() -> None:
    sender = Sender(resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    assert refusal(sender, "https://hooks.example.com/") == "address_refused"


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_called() -> None:
    """DNS rebinding: the second answer would lead inside, and is never asked for."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["198.51.100.7"] if len(asked) > 1 else ["8.8.8.8"]

    connected: list[tuple[str, int]] = []

    class Looked(Sender):
        def _connection(self, scheme: str, place: Place):  # type: ignore[no-untyped-def]
            connected.append((place.address, place.port))
            raise OSError

    assert refusal(Looked(resolve=rebinding), "https://hooks.example.com/x") == "connection"
    assert (asked, connected) == (["hooks.example.com"], [("8.8.8.8", 443)])


def test_an_url_changed_behind_the_check_is_checked_again() -> None:
    assert refusal(Sender(), "http://hooks.example.com/") == "url_refused"
    assert refusal(Sender(), "https://2130706433/") == "url_refused"


def test_a_name_that_does_not_exist_is_told() -> None:
    assert refusal(Sender(resolve=lambda host, port: []), "https://hooks.example.com/") == "name_unknown"
    assert refusal(Sender(), "https://no-such-host.invalid/") == "name_unknown"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(inbox: Receiver, status: int) -> None:
    with receiver() as elsewhere:
        inbox.answers, inbox.location = [status], elsewhere.url
        assert Sender(allows_private=True).post(inbox.url, {}, BODY) == status
        assert elsewhere.received == []


def test_the_path_the_query_and_the_host_arrive_as_they_were_given(inbox: Receiver) -> None:
    sender = Sender(allows_private=True, resolve=lambda host, port: ["127.0.0.1"])
    url = f"http://hooks.example.com:{inbox.port}/a%20b?x=1&y=%2F"
    assert sender.post(url, {"webhook-id": "msg"}, b"body") == 204
    (request,) = inbox.received
    assert (request.path, request.body) == ("/a%20b?x=1&y=%2F", b"body")
    assert (request.headers["host"], request.headers["webhook-id"]) == (f"hooks.example.com:{inbox.port}", "msg")


def test_nobody_there_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert refusal(Sender(allows_private=True), f"http://127.0.0.1:{port}/") == "connection"


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nx: "])
def test_who_drips_on_is_cut_off_when_time_is_up(drip: bytes) -> None:
    stop = threading.Event()

    def serve(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.sendall(drip)
            while not stop.wait(0.05):
                try:
                    peer.sendall(b"x" if drip else b"")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            assert refusal(Sender(allows_private=True, timeout_s=0.4), url) == "timeout"
        finally:
            stop.set()
            thread.join()


def test_an_answer_that_is_no_http_is_told() -> None:
    def serve(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(65_536)
            peer.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=[server])
        thread.start()
        assert refusal(Sender(allows_private=True), f"http://127.0.0.1:{server.getsockname()[1]}/") == "no_http"
        thread.join()


def test_a_server_has_to_prove_its_name(tmp_path: Path) -> None:
    serving, trusting = _certificates(tmp_path, "hooks.example.com")
    with receiver(serving) as inbox:
        sender = Sender(allows_private=True, trust=trusting, resolve=lambda host, port: ["127.0.0.1"])
        assert sender.post(f"https://hooks.example.com:{inbox.port}/", {}, BODY) == 204
        assert refusal(sender, f"https://other.example.com:{inbox.port}/") == "tls"
        strangers = Sender(allows_private=True, resolve=lambda host, port: ["127.0.0.1"])
        assert refusal(strangers, f"https://hooks.example.com:{inbox.port}/") == "tls"
        assert len(inbox.received) == 1


def _certificates(place: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for that name, and one that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = place / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cafile=str(pem))
