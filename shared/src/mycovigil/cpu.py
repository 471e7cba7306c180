"""How many processors this process may use: not how many the machine has.

A container with ``--cpus=2`` on a host with 16 cores has a quota in its control group, and
``os.cpu_count()`` says 16; threads for 16 then share what two may do.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def available(cgroups: Path = CGROUPS, own: Path = OWN_GROUPS) -> int:
    """At least 1: the affinity of the process, or the quota of its control groups if that is less.

    Args:
        cgroups: where control groups are mounted.
        own: names the group of the process; a container sees its own as the root.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    counted = affinity or os.cpu_count() or 1
    quotas = [quota for folder in _groups(cgroups, own) if (quota := _quota(folder)) is not None]
    return max(1, min(counted, *map(math.ceil, quotas)) if quotas else counted)


def _groups(cgroups: Path, own: Path) -> Iterator[Path]:
    """Folders of the process's groups (v2, then v1), and of all that they are in."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        lines = []
    for controller, root in (("", cgroups), ("cpu", cgroups / "cpu")):
        yield root
        for _, controllers, path in (line for line in lines if len(line) == 3):
            if controller in controllers.split(","):
                names = [name for name in path.split("/") if name not in {"", ".."}]
                yield from (root.joinpath(*names[:depth]) for depth in range(1, len(names) + 1))


def _quota(group: Path) -> float | None:
    """Processors that a group may use on average; none without a limit (v2, then v1)."""
    try:
        most, period = (group / "cpu.max").read_text().split()[:2]
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        pass
    try:
        most = (group / "cpu.cfs_quota_us").read_text()
        period = (group / "cpu.cfs_period_us").read_text()
        return int(most) / int(period) if int(most) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
