"""What a worker of Dask loads that is to die in the middle of its first month; named by ``--preload``."""

from __future__ import annotations

from distrib.failpoints import arm_named

arm_named("history.month:kill")
