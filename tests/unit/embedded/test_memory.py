"""The memory in which the private PostgreSQL keeps pages: a quarter of what there is, or what a container is given."""

from pathlib import Path

from distrib.embedded.memory import LEAST_MIB, MOST_MIB, buffers_mib, memory_bytes, shared_buffers

GIB = 1 << 30


def test_a_quarter_of_the_memory_within_bounds() -> None:
    assert [buffers_mib(memory) for memory in (GIB // 4, 2 * GIB, 8 * GIB, 256 * GIB)] == [
        LEAST_MIB,
        512,
        2_048,
        MOST_MIB,
    ]


def test_a_container_with_less_than_the_machine_has_what_it_is_given(tmp_path: Path) -> None:
    given = tmp_path / "memory.max"
    given.write_text("104857600\n")
    assert memory_bytes([given]) == 100 << 20


def test_a_container_without_a_limit_and_a_machine_without_containers_have_all_of_it(tmp_path: Path) -> None:
    unlimited = tmp_path / "memory.max"
    unlimited.write_text("max\n")
    whole = memory_bytes([])
    assert whole > 0
    assert memory_bytes([unlimited, tmp_path / "none"]) == whole
    assert shared_buffers().endswith("MB")
