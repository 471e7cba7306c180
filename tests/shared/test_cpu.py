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


V2, V1 = "0::{}\n", "4:cpu,cpuacct:{}\n1:name=systemd:/\n"


@pytest.mark.parametrize("group", ["/system.slice/mycovigil.service", "/system.slice", "/"])
def test_a_quota_of_any_group_that_the_process_is_in_counts(cgroups: Path, group: str) -> None:
    """As of a systemd unit, of its slice, or of a pod."""
    own = cgroups / "own"
    own.write_text(V2.format("/system.slice/mycovigil.service"))
    inner = cgroups / "system.slice" / "mycovigil.service"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000")
    (cgroups / group.strip("/") / "cpu.max").write_text("300000 100000")
    assert cpu.available(cgroups, own) == 3


def test_the_least_quota_counts_in_both_versions(cgroups: Path) -> None:
    own = cgroups / "own"
    own.write_text(V1.format("/pod/container"))
    for folder, quota in (("pod", "200000"), ("pod/container", "400000")):
        (cgroups / "cpu" / folder).mkdir(parents=True)
        (cgroups / "cpu" / folder / "cpu.cfs_quota_us").write_text(quota)
        (cgroups / "cpu" / folder / "cpu.cfs_period_us").write_text("100000")
    assert cpu.available(cgroups, own) == 2


@pytest.mark.parametrize("text", ["", "nonsense", V2.format("/of/the/host"), V2.format("/../x")])
def test_a_group_that_is_not_mounted_is_passed_over(cgroups: Path, text: str) -> None:
    own = cgroups / "own"
    own.write_text(text)
    (cgroups / "cpu.max").write_text("500000 100000")
    assert cpu.available(cgroups, own) == 5
