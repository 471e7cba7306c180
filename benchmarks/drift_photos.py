"""The drift test on real photos' features: calm nights, off-topic photos, another photographer.

python benchmarks/drift_photos.py --photos ../shared/data [--runs 200]

The reference is `field_guide` without the night's photos; a night is 200 of them drawn at random,
with a share replaced. Nights of `field_walks` are drawn by species and day, the unit in which its
photos come in bursts, and judged with whole groups and with rows permuted.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mycovigil.encoder.identity import PACKAGED, EncoderIdentity
from mycovigil.image.decode import decode
from mycovigil_statistics import fit, judge
from mycovigil_statistics.sample import FloatArray, IntArray

NIGHT = 200
LEVEL = 0.05
TERMINAL = Console(stderr=True)


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Features (n, d), safety class and species-day of each photo of one folder."""

    features: FloatArray
    classes: np.ndarray
    groups: np.ndarray


def embed(folder: Path, encoder: Path) -> Photos:
    """Encode every photo of a folder's manifest with the packaged encoder."""
    identity = EncoderIdentity.read(encoder)
    session = onnxruntime.InferenceSession(identity.checked_onnx(encoder))
    with (folder / "manifest.csv").open() as file:
        photos = list(csv.DictReader(file))
    features = []
    for start in track(range(0, len(photos), 32), folder.name, console=TERMINAL):
        pixels = [
            decode(
                (folder / photo["path"]).read_bytes(),
                size=identity.image_size, max_pixels=50_000_000, resize=identity.resize,
            ).pixels
            for photo in photos[start : start + 32]
        ]  # fmt: skip
        features.append(session.run(None, {"pixels": np.stack(pixels)})[0])
    groups = [f"{photo['species']} {photo['captured_at'][:10]}" for photo in photos]
    classes = [photo["safety_class"] for photo in photos]
    return Photos(np.vstack(features).astype(np.float32), np.array(classes), np.array(groups))


def found_by_share(
    guide: Photos, strangers: FloatArray, share: float, runs: int, seed: int
) -> float:
    """How often a night with this share of strangers is found at .05."""
    found = 0
    for run in track(range(seed, seed + runs), f"{share:.0%}", console=TERMINAL):
        generator = np.random.default_rng(run)
        order = generator.permutation(len(guide.features))
        night = guide.features[order[:NIGHT]].copy()
        planted = round(share * NIGHT)
        night[:planted] = strangers[generator.permutation(len(strangers))[:planted]]
        fitted = fit(guide.features[order[NIGHT:]], seed=run)
        found += judge(fitted, night, seed=run, permutations=999).p_value <= LEVEL
    return found / runs


def found_by_poison(guide: Photos, runs: int, seed: int) -> float:
    """How often a night with twice the share of poisonous and deadly photos is found."""
    found = 0
    poison = np.isin(guide.classes, ["poisonous", "deadly"])
    for run in track(range(seed, seed + runs), "poison", console=TERMINAL):
        generator = np.random.default_rng(run)
        weights = np.where(poison, 2.0, (1 - 2 * poison.mean()) / (1 - poison.mean()))
        chosen = generator.choice(len(poison), NIGHT, replace=False, p=weights / weights.sum())
        rest = np.setdiff1d(np.arange(len(poison)), chosen)
        fitted = fit(guide.features[rest], seed=run)
        judgement = judge(fitted, guide.features[chosen], seed=run, permutations=999)
        found += judgement.p_value <= LEVEL
    return found / runs


def alarms_on_bursts(walks: Photos, runs: int, seed: int) -> tuple[float, float]:
    """Alarms on calm nights of whole species-days: groups permuted, rows permuted."""
    by_group = by_row = 0
    for run in track(range(seed, seed + runs), "bursts", console=TERMINAL):
        night, rest = _whole_groups(walks.groups, np.random.default_rng(run))
        x, y = walks.features[rest], walks.features[night]
        grouped = fit(x, groups=walks.groups[rest], seed=run)
        p = judge(grouped, y, groups=walks.groups[night], seed=run, permutations=999).p_value
        by_group += p <= LEVEL
        by_row += judge(fit(x, seed=run), y, seed=run, permutations=999).p_value <= LEVEL
    return by_group / runs, by_row / runs


def _whole_groups(groups: np.ndarray, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Rows of about 200 photos in whole groups, and all other rows."""
    names, unit, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = generator.permutation(len(names))
    chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), NIGHT)) + 1]
    night = np.isin(unit, chosen)
    return np.flatnonzero(night), np.flatnonzero(~night)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data"))
    parser.add_argument("--encoder", type=Path, default=PACKAGED / "mini" / "fp16")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=8_000_000)
    options = parser.parse_args()
    guide, walks, other = (
        embed(options.photos / name, options.encoder)
        for name in ("field_guide", "field_walks", "not_mushroom")
    )
    table = Table("night of 200", "found at .05", title=f"{options.runs} runs, seed {options.seed}")
    runs, seed = options.runs, options.seed
    table.add_row("calm", f"{found_by_share(guide, other.features, 0.0, runs, seed):.3f}")
    for share in (0.05, 0.10, 0.20):
        rate = found_by_share(guide, other.features, share, runs, seed)
        table.add_row(f"off-topic {share:.0%}", f"{rate:.3f}")
    rate = found_by_share(guide, walks.features, 0.2, runs, seed)
    table.add_row("another photographer 20%", f"{rate:.3f}")
    table.add_row("poisonous share doubled", f"{found_by_poison(guide, runs, seed):.3f}")
    by_group, by_row = alarms_on_bursts(walks, runs, seed)
    table.add_row("calm species-days, groups permuted", f"{by_group:.3f}")
    table.add_row("calm species-days, rows permuted", f"{by_row:.3f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
