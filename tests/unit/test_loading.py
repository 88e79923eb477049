"""While modules load, nobody looks for garbage among them; afterwards it is as before."""

import subprocess
import sys

SAYS = """
import gc
{before}
from distrib.loading import loading
seen = []
gc.callbacks.append(lambda phase, info: seen.append(phase))
with loading():
    import distrib.app
loaded = len(seen)
print(loaded, gc.get_freeze_count() > 50_000, gc.isenabled())
"""


def said(before: str) -> str:
    """What a process of its own says of its collector after the app was loaded."""
    command = [sys.executable, "-c", SAYS.format(before=before)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_app_is_loaded_without_one_look_for_garbage_and_stays_out_of_the_collectors_way() -> None:
    assert said("") == "0 True True"


def test_a_collector_that_was_off_stays_off() -> None:
    assert said("gc.disable()") == "0 True False"


APART = """
import gc
from distrib.loading import apart, loading
{before}
with apart():
    inside = gc.get_freeze_count() > 0
print(inside, gc.get_freeze_count() > 0)
"""


def test_what_was_put_away_for_good_is_so_after_a_block_that_worked_apart_and_nothing_else() -> None:
    for before, stays in (("with loading():\n    import json", "True"), ("", "False")):
        command = [sys.executable, "-c", APART.format(before=before)]
        said_of_it = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        assert said_of_it == ["True", stays]
