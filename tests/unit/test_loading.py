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
