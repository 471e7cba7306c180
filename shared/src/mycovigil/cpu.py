"""How many processors this process may use: not how many the machine has.

A container with ``--cpus=2`` on a host with 16 cores has a quota in its control group, and
``os.cpu_count()`` says 16; threads for 16 then share what two may do.
"""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available(cgroups: Path = CGROUPS) -> int:
    """At least 1: the affinity of the process, or its control group's quota if that is less."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    counted = affinity or os.cpu_count() or 1
    quota = _quota(cgroups)
    return max(1, counted if quota is None else min(counted, math.ceil(quota)))


def _quota(cgroups: Path) -> float | None:
    """Processors that the group may use on average; none without a limit (v2, then v1)."""
    try:
        most, period = (cgroups / "cpu.max").read_text().split()[:2]
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):
        pass
    try:
        most = (cgroups / "cpu" / "cpu.cfs_quota_us").read_text()
        period = (cgroups / "cpu" / "cpu.cfs_period_us").read_text()
        return int(most) / int(period) if int(most) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
