"""CPU seconds and memory of the drift test, beside Evidently's (and alibi-detect's, NannyML's).

python benchmarks/drift_cost.py [--reference 10000] [--night 5000] [--large]
    [--peers /tmp/peers-alibi /tmp/peers-nannyml]

Every method runs in a process of its own, on one thread; memory is the peak above what the
process held after its imports, inputs included. alibi-detect and NannyML want older libraries
than the product: `--peers` names virtual environments of their own (`benchmarks/requirements.txt`
says how). What is not installed is left out, aloud.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

DIMENSION = 512
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "True",  # NannyML sends usage to a third party by default
    "NUMBA_NUM_THREADS": "1",
}
CPU_LIMIT_S = 120


def ours_judge(folder: Path) -> Callable[[], object]:
    """A night against the cached reference: what runs every night."""
    import scipy.stats  # noqa: F401 - part of the idle process, as the imports of all others are

    from mycovigil_statistics import FittedReference, judge

    def run() -> object:
        with np.load(folder / "fitted.npz") as arrays:
            fitted = FittedReference.from_arrays(arrays)
        return judge(fitted, np.load(folder / "night.npy"))

    return run


def ours_fit(folder: Path) -> Callable[[], object]:
    """Once per reference set."""
    import scipy.cluster.hierarchy  # noqa: F401
    import sklearn.cluster  # noqa: F401

    from mycovigil_statistics import fit

    def run() -> object:
        fitted = fit(np.load(folder / "reference.npy"))
        np.savez(folder / "fitted.npz", **fitted.to_arrays())  # type: ignore[arg-type]
        return fitted

    return run


def evidently_preset(folder: Path) -> Callable[[], object]:
    """`DataDriftPreset` on one column a dimension."""
    import pandas as pd
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    names = [f"f{i}" for i in range(DIMENSION)]

    def run() -> object:
        sets = [
            Dataset.from_pandas(pd.DataFrame(np.load(folder / f"{side}.npy"), columns=names))
            for side in ("night", "reference")
        ]
        return Report([DataDriftPreset()]).run(*sets).dict()

    return run


def evidently_embeddings(folder: Path) -> Callable[[], object]:
    """`EmbeddingsDrift` with its default method, a domain classifier."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import EmbeddingsDrift

    names = [f"f{i}" for i in range(DIMENSION)]

    def run() -> object:
        definition = DataDefinition(embeddings={"image": names})
        sets = [
            Dataset.from_pandas(
                pd.DataFrame(np.load(folder / f"{side}.npy"), columns=names), definition
            )
            for side in ("night", "reference")
        ]
        return Report([EmbeddingsDrift(embeddings_name="image")]).run(*sets).dict()

    return run


def alibi_mmd(folder: Path) -> Callable[[], object]:
    """alibi-detect's `MMDDrift`."""
    from alibi_detect.cd import MMDDrift

    def run() -> object:
        detector = MMDDrift(np.load(folder / "reference.npy"), backend="pytorch")
        return detector.predict(np.load(folder / "night.npy"))

    return run


def alibi_ks(folder: Path) -> Callable[[], object]:
    """alibi-detect's `KSDrift`: a Kolmogorov-Smirnov test a dimension, Bonferroni."""
    from alibi_detect.cd import KSDrift

    def run() -> object:
        detector = KSDrift(np.load(folder / "reference.npy"), p_val=0.05)
        return detector.predict(np.load(folder / "night.npy"))

    return run


def nannyml_reconstruction(folder: Path) -> Callable[[], object]:
    """NannyML's PCA reconstruction error."""
    import nannyml
    import pandas as pd

    names = [f"f{i}" for i in range(DIMENSION)]

    def run() -> object:
        frames = [
            pd.DataFrame(np.load(folder / f"{side}.npy"), columns=names)
            for side in ("reference", "night")
        ]
        detector = nannyml.DataReconstructionDriftCalculator(
            column_names=names, chunk_size=len(frames[1])
        )
        return detector.fit(frames[0]).calculate(frames[1])

    return run


METHODS: dict[str, tuple[str, Callable[[Path], Callable[[], object]]]] = {
    "fit (once a reference set)": ("mycovigil_statistics", ours_fit),
    "judge (every night)": ("mycovigil_statistics", ours_judge),
    "Evidently DataDriftPreset": ("evidently", evidently_preset),
    "Evidently EmbeddingsDrift": ("evidently", evidently_embeddings),
    "alibi-detect KSDrift": ("alibi_detect", alibi_ks),
    "alibi-detect MMDDrift": ("alibi_detect", alibi_mmd),
    "NannyML reconstruction": ("nannyml", nannyml_reconstruction),
}
OURS = ("fit (once a reference set)", "judge (every night)")


def measure(name: str, folder: Path) -> None:
    """Run one method in this process and print its CPU seconds and megabytes."""
    run = METHODS[name][1](folder)
    Path("/proc/self/clear_refs").write_text("5")
    idle, start = _memory("VmRSS"), time.process_time()
    run()
    seconds = time.process_time() - start
    print(json.dumps({"cpu_s": seconds, "mb": _memory("VmHWM") - idle}))


def _memory(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024


def in_own_process(python: str, name: str, folder: Path) -> dict[str, float]:
    """Raises `subprocess.CalledProcessError`: killed by SIGXCPU beyond the limit."""
    done = subprocess.run(
        [python, __file__, "--measure", name, "--folder", str(folder)],
        env=os.environ | THREADS, capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 9)),
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def interpreter(package: str, peers: list[Path]) -> str | None:
    """The first Python, ours or a peer's, that has this package."""
    code = f"import importlib.util as i, sys; sys.exit(i.find_spec({package!r}) is None)"
    pythons = [sys.executable, *(str(peer / "bin" / "python") for peer in peers)]
    return next((p for p in pythons if not subprocess.call([p, "-c", code])), None)


def compare(reference: int, night: int, names: list[str], peers: list[Path]) -> Table:
    """One table: every method on the same Gaussian rows, and its ratio to the nightly test."""
    table = Table("method", "CPU s", "MB", "CPU ratio", title=f"{reference:,} x {night:,} x 512")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for side, rows in (("reference", reference), ("night", night)):
            generator = np.random.default_rng(rows)
            np.save(folder / side, generator.standard_normal((rows, DIMENSION), dtype=np.float32))
        nightly = float("nan")
        for name in names:
            python = interpreter(METHODS[name][0], peers)
            if python is None:
                table.add_row(name, "not installed", "", "")
                continue
            try:
                cost = in_own_process(python, name, folder)
            except subprocess.CalledProcessError as failure:
                slow = failure.returncode == -signal.SIGXCPU
                table.add_row(name, f"over {CPU_LIMIT_S}" if slow else "failed", "", "")
                continue
            nightly = cost["cpu_s"] if name == OURS[1] else nightly
            ratio = f"{cost['cpu_s'] / nightly:.1f}"
            table.add_row(name, f"{cost['cpu_s']:.2f}", f"{cost['mb']:.0f}", ratio)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=int, default=10_000)
    parser.add_argument("--night", type=int, default=5_000)
    parser.add_argument("--ours", action="store_true", help="leave the others out")
    parser.add_argument("--large", action="store_true", help="50,000 x 50,000 as well, ours only")
    parser.add_argument("--peers", type=Path, nargs="*", default=[], help="environments of peers")
    parser.add_argument("--measure", choices=list(METHODS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.folder)
        return
    console = Console(width=100)
    names = list(OURS) if options.ours else list(METHODS)
    console.print(compare(options.reference, options.night, names, options.peers))
    if options.large:
        console.print(compare(50_000, 50_000, list(OURS), []))


if __name__ == "__main__":
    main()
