"""Sealing: what is sealed opens with its key and at its place, and nowhere else."""

from __future__ import annotations

import pytest

from distrib.services.encryption import SealBroken, Sealer, data_keys, parse_keys

OLD, NEW = bytes(32), bytes(range(32))


def test_what_is_sealed_does_not_show_and_opens_again() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("李雷 6222".encode(), b"payee 7")
    assert "李雷".encode() not in sealed
    assert sealer.open(sealed, b"payee 7").decode() == "李雷 6222"


def test_the_same_value_sealed_twice_looks_different() -> None:
    sealer = Sealer([NEW])
    assert sealer.seal(b"same") != sealer.seal(b"same")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    before, after = Sealer([OLD]), Sealer([NEW, OLD])
    assert after.open(before.seal(b"x")) == b"x"
    with pytest.raises(SealBroken):
        before.open(after.seal(b"x"))


def test_a_value_moved_to_another_place_does_not_open() -> None:
    sealer = Sealer([NEW])
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"x", b"shop 1"), b"shop 2")


def test_any_changed_byte_is_noticed() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"secret")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            sealer.open(sealed[:length])


def test_without_a_key_of_its_own_the_service_derives_one_that_a_later_key_does_not_shut_out() -> None:
    written = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    first, later = Sealer(data_keys("", ["the pepper"])), Sealer(data_keys(written, ["the pepper"]))
    assert later.open(first.seal(b"x")) == b"x"
    with pytest.raises(SealBroken):
        first.open(later.seal(b"x"))
    with pytest.raises(SealBroken):
        Sealer(data_keys("", ["another pepper"])).open(first.seal(b"x"))


@pytest.mark.parametrize("given", ["short", "AAAA", "*" * 44, "A" * 43 + ",no", "ключ"])
def test_what_is_no_key_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        parse_keys(given)


def test_a_sealer_needs_keys_of_the_right_size() -> None:
    for keys in ([], [b"short"]):
        with pytest.raises(ValueError, match="32 bytes"):
            Sealer(keys)
