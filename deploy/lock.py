"""Resolve every requirement of the rooms and write the locks, each version with its hashes.

``requirements.lock``: everything that the rooms, their extras and the tests need.
``requirements-cuda.lock``: the CUDA libraries of PyPI's torch for Linux. They are apart because
``pip install --require-hashes -r`` installs all that a file lists, and neither macOS nor the CPU
build of torch needs these gigabytes.
``deploy/locks/IMAGE.lock``: what one image installs, in the versions of ``requirements.lock``.

Run by ``make lock``, with uv and packaging in the environment. A version stays as it is locked
while it satisfies the rooms; ``--upgrade`` takes the newest of each.
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
LOCKS = ROOT / "deploy" / "locks"
# sha256 and file name of each CPU build of torch that a machine of ours had on its disk. uv asks
# PyPI only, so the script adds these hashes to torch's.
CPU_BUILDS = LOCKS / "torch-cpu.sha256"
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
HEAD = "# Written by `make lock`: do not edit.{}\n"
CUDA_HEAD = (
    " The CUDA libraries that PyPI's torch for Linux needs\n# beside {}; the CPU build needs none."
)


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


def _project(folder: str) -> dict[str, Any]:
    content = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
    return dict(content["project"])


def _extras(folder: str) -> str:
    names = _project(folder).get("optional-dependencies", {})
    return f"[{','.join(names)}]" if names else ""


def _write(name: str, wanted: list[str], rooms: list[str], whole: list[str]) -> list[str]:
    """Write ``name.lock``, and ``name-cuda.lock`` where it needs CUDA libraries.

    Args:
        wanted: lines of a requirements file.
        rooms: names of our own distributions, which no lock lists.
        whole: entries whose versions hold here too.

    Returns:
        The entries of both files.
    """
    entries = [
        _with_cpu_builds(one) for one in _compiled(name, wanted, rooms, whole) if _applies(one)
    ]
    cuda = [entry for entry in entries if CUDA.match(entry)]
    rest = [entry for entry in entries if entry not in cuda]
    (ROOT / f"{name}.lock").write_text(HEAD.format("") + "".join(rest))
    if cuda:
        head = HEAD.format(CUDA_HEAD.format(f"{Path(name).name}.lock"))
        (ROOT / f"{name}-cuda.lock").write_text(head + "".join(cuda))
    return entries


def _compiled(name: str, wanted: list[str], rooms: list[str], whole: list[str]) -> list[str]:
    """What uv resolves: an entry a version, of one line with the version and one for each hash."""
    with tempfile.TemporaryDirectory() as folder:
        source, limits, out = (Path(folder) / part for part in ("in.txt", "limits.txt", "out.txt"))
        for file in sorted(ROOT.glob(f"{name}*.lock")):  # what uv finds in its output, it keeps
            with out.open("a") as stream:
                stream.write(file.read_text())
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


def _with_cpu_builds(entry: str) -> str:
    found = re.match(r"torch==(\S+)", entry)
    if not found:
        return entry
    known = [line.split() for line in _cpu_builds(found[1])]
    ours = [digest for digest, file in known if file.startswith(f"torch-{found[1]}+cpu-")]
    hashes = [digest for digest in ours if digest not in entry]  # uv keeps what was there
    return entry.rstrip("\n") + "".join(f" \\\n    --hash=sha256:{one}" for one in hashes) + "\n"


def _cpu_builds(version: str) -> list[str]:
    """The known CPU builds; one that pip finds beside its index is added to the file."""
    known = CPU_BUILDS.read_text().splitlines() if CPU_BUILDS.exists() else []
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    command += ["--ignore-installed", "--report", "-", f"torch=={version}"]
    report = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    origin = json.loads(report)["install"][0]["download_info"]
    file = origin["url"].rsplit("/", 1)[1].replace("%2B", "+")
    line = f"{origin['archive_info']['hashes']['sha256']}  {file}"
    if "+cpu" in file and line not in known:
        known.append(line)
        CPU_BUILDS.write_text("".join(f"{one}\n" for one in sorted(known)))
    return known


if __name__ == "__main__":
    main()
