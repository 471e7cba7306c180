"""Processors of a container are those of its quota and affinity, not the host's."""

import os
from pathlib import Path

import pytest

from mycovigil import cpu

HOST = set(range(16))


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of 16 cores, of which the process may use all."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: HOST, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: len(HOST))
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("max 100000", 16)],
)
def test_the_quota_of_a_control_group_counts(cgroups: Path, limit: str, expected: int) -> None:
    (cgroups / "cpu.max").write_text(f"{limit}\n")
    assert cpu.available(cgroups) == expected


@pytest.mark.parametrize(("quota", "expected"), [("400000", 4), ("-1", 16), ("nonsense", 16)])
def test_the_first_version_of_control_groups_is_read(
    cgroups: Path, quota: str, expected: int
) -> None:
    (cgroups / "cpu").mkdir()
    (cgroups / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (cgroups / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert cpu.available(cgroups) == expected


def test_affinity_counts_below_the_quota(cgroups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cgroups / "cpu.max").write_text("400000 100000")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert cpu.available(cgroups) == 3


def test_without_control_groups_the_machine_counts(cgroups: Path) -> None:
    assert cpu.available(cgroups) == 16
