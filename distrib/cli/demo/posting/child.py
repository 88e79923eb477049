"""A command of distrib as a child that ends when the demo ends, however that ends.

The kernel sends it SIGTERM once its parent is gone, ``kill -9`` included. Nothing of the demo
itself may enter.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from distrib.cli import main as command_line

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Runs the command line that follows; the first argument is the parent's pid."""
    parent = int(sys.argv.pop(1))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before we asked to be told
        sys.exit(1)
    command_line()


if __name__ == "__main__":
    main()
