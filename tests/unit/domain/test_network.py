"""Arranging registrations: sponsors before those they brought, loops by name."""

from distrib.domain.network import arrange


def test_what_is_in_order_stays_in_order() -> None:
    sponsor_of = {"a": None, "b": "a", "x": "elsewhere", "c": "b"}
    assert arrange(sponsor_of) == (["a", "b", "x", "c"], [])


def test_sponsors_come_before_those_they_brought() -> None:
    order, loops = arrange({"d": "c", "c": "b", "b": "a", "a": None, "e": "d"})
    assert (order, loops) == (["a", "b", "c", "d", "e"], [])


def test_each_loop_is_named_from_its_smallest_id_upwards_and_comes_last() -> None:
    order, loops = arrange({"z": "x", "x": "y", "y": "z", "below": "y", "me": "me", "fine": "root", "root": None})
    assert loops == [("me",), ("x", "y", "z")]
    assert order[:2] == ["root", "fine"]
    assert set(order[2:]) == {"x", "y", "z", "below", "me"}


def test_a_chain_of_fifty_thousand_is_no_trouble() -> None:
    count = 50_000
    order, loops = arrange({f"s{n}": f"s{n - 1}" if n else None for n in reversed(range(count))})
    assert (order[0], order[-1], loops) == ("s0", f"s{count - 1}", [])
