"""What a worker of Dask loads that is to die before it works."""

from __future__ import annotations

import os

from tests.world.processes import kill

kill(os.getpid())
