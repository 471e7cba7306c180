"""Resolve every requirement of the rooms and write the locks, each version with its hashes.

``requirements.lock``: everything that the rooms, their extras and the tests need.
``requirements-cpu.lock``: torch's build without CUDA, which lies on some machines' disks.
``requirements-cuda.lock``: the CUDA libraries of PyPI's torch for Linux.
``deploy/locks/IMAGE*.lock``: the same for one image, in the versions of ``requirements.lock``.
``requirements-torch.lock``: the newest torch, for a job of CI, beside the versions of all others;
the rooms require the one of ``requirements.lock``.

They are apart because pip installs all that a file lists, and neither macOS nor the CPU build needs
the gigabytes of CUDA. The CPU build is installed first, where pip finds it: among files with
allowed hashes pip prefers an index's, whose hash it knows beforehand, to a file on the disk.

Run by ``make lock``, with uv and packaging in the environment. A version stays as it is locked
while it satisfies the rooms; ``--upgrade`` takes the newest of each. ``--exclude-newer AGE``: none
that is younger.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
TORCH = re.compile(r"(torch|torchvision)==")
CUDA = re.compile(r"(nvidia|cuda|triton)\b")
# The environments that the locks are for.
ENVIRONMENTS = [
    {
        "sys_platform": system,
        "platform_system": "Linux" if system == "linux" else "Darwin",
        "platform_machine": machine,
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.{patch}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
    }
    for system, machine in (
        ("linux", "x86_64"),
        ("linux", "aarch64"),
        ("darwin", "x86_64"),
        ("darwin", "arm64"),
    )
    for minor, patch in ((11, 2), (11, 9), (12, 0), (13, 0), (14, 0))
]
HEAD = "# Written by `make lock`: do not edit.\n"
CPU_HEAD = "# Torch without CUDA; installed first, where pip finds it.\n"
CUDA_HEAD = "# What PyPI's torch for Linux needs, and its CPU build does not.\n"


def main() -> None:
    """Write all locks."""
    folders = [
        str(file.parent.relative_to(ROOT))
        for file in sorted(
            [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]
        )
    ]
    rooms = [str(_project(folder)["name"]) for folder in folders]
    every = [f"-e {ROOT}/{folder}{_extras(folder)}" for folder in folders]
    whole = _write("requirements", [*every, f"-r {ROOT}/requirements-dev.txt"], rooms, [])
    for dockerfile in [*sorted(ROOT.glob("services/*/Dockerfile")), ROOT / "training/Dockerfile"]:
        wanted = re.findall(r"\./[\w/]+(?:\[\w+\])?(?=\s)", dockerfile.read_text())
        image = f"deploy/locks/{dockerfile.parent.name}"
        _write(image, [*(f"-e {ROOT}/{room}" for room in wanted), "hatchling"], rooms, whole)
    others = [entry for entry in whole if not (CUDA.match(entry) or TORCH.match(entry))]
    newest = _compiled("requirements-torch", ["torch", "torchvision"], [], others)
    applying = "".join(one for one in newest if _applies(one))
    (ROOT / "requirements-torch.lock").write_text(HEAD + applying)


def _project(folder: str) -> dict[str, Any]:
    content = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
    return dict(content["project"])


def _extras(folder: str) -> str:
    names = _project(folder).get("optional-dependencies", {})
    return f"[{','.join(names)}]" if names else ""


def _write(name: str, wanted: list[str], rooms: list[str], whole: list[str]) -> list[str]:
    """Write ``name.lock``, and where it has torch ``name-cpu.lock`` and ``name-cuda.lock``.

    Args:
        wanted: lines of a requirements file.
        rooms: names of our own distributions, which no lock lists.
        whole: entries whose versions hold here too.

    Returns:
        The entries of ``name.lock`` and ``name-cuda.lock``.
    """
    entries = [one for one in _compiled(name, wanted, rooms, whole) if _applies(one)]
    cuda = [entry for entry in entries if CUDA.match(entry)]
    rest = [entry for entry in entries if entry not in cuda]
    torch = next((entry for entry in rest if entry.startswith("torch==")), None)
    if torch:
        build = _cpu_build(torch.split()[0])
        rest[rest.index(torch)] = _joined(torch, build)
        (ROOT / f"{name}-cpu.lock").write_text(HEAD + CPU_HEAD + build)
        (ROOT / f"{name}-cuda.lock").write_text(HEAD + CUDA_HEAD + "".join(cuda))
    (ROOT / f"{name}.lock").write_text(HEAD + "".join(rest))
    return entries


def _compiled(name: str, wanted: list[str], rooms: list[str], whole: list[str]) -> list[str]:
    """What uv resolves: an entry a version, of one line with the version and one for each hash."""
    with tempfile.TemporaryDirectory() as folder:
        source, limits, out = (Path(folder) / part for part in ("in.txt", "limits.txt", "out.txt"))
        for file in (
            ROOT / f"{name}.lock",
            ROOT / f"{name}-cuda.lock",
        ):  # what uv finds in its output, it keeps
            with out.open("a") as stream:
                stream.write(file.read_text() if file.exists() else "")
        source.write_text("".join(f"{line}\n" for line in wanted))
        limits.write_text("".join(whole))
        command = ["uv", "pip", "compile", str(source), "--quiet", "--universal", *sys.argv[1:]]
        command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
        command += [word for name in rooms for word in ("--no-emit-package", name)]
        command += ["--constraints", str(limits), "--output-file", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return re.findall(r"^[A-Za-z0-9].*\n(?: .*\n)*", out.read_text(), re.MULTILINE)


def _applies(entry: str) -> bool:
    _, _, marker = entry.split("\n", maxsplit=1)[0].rstrip(" \\").partition(" ; ")
    return not marker or any(Marker(marker).evaluate(one) for one in ENVIRONMENTS)


def _joined(entry: str, build: str) -> str:
    """``entry`` with the hashes of ``build`` too; uv may have kept them from the old lock."""
    added = [line for line in HASH.findall(build) if line not in entry]
    return entry.rstrip("\n") + "".join(f" \\\n    {line}" for line in added) + "\n"


def _cpu_build(pin: str) -> str:
    """The entry of torch's CPU build: hashes that are locked already, and of the file that pip
    finds beside its index. uv asks PyPI alone, which has no such build."""
    file = ROOT / "requirements-cpu.lock"
    old = file.read_text() if file.exists() else ""
    hashes = set(HASH.findall(old)) if f"{pin}+cpu" in old else set()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    command += ["--ignore-installed", "--report", "-", pin]
    report = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    (found,) = json.loads(report)["install"]
    if found["metadata"]["version"].endswith("+cpu"):
        hashes.add(f"--hash=sha256:{found['download_info']['archive_info']['hashes']['sha256']}")
    return " \\\n    ".join([f"{pin}+cpu", *sorted(hashes)]) + "\n" if hashes else ""


if __name__ == "__main__":
    main()
