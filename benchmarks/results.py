"""Every recipe without fine-tuning on real photos, into docs/results and docs/results.md.

python benchmarks/results.py PHOTOS [--encoder URI ...] [--only NAME ...]

PHOTOS holds field_guide, field_walks, kaggle_subset and not_mushroom. Folders are curated into
build/results, where features are kept: a run that was cut goes on. Figures on a folder that an
encoder has learned from leave those photos out.
"""

import argparse
import datetime
import json
import time
from pathlib import Path
from typing import Any

from mycovigil_training.configuration import compose
from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import curate
from mycovigil_training.evaluate.evaluation import evaluate_folder

# Folder, and whose photos it is judged beside.
JUDGED = {
    "kaggle_subset": None,
    "field_guide": "field_walks",
    "field_walks": None,
}
ROOT = Path(__file__).resolve().parents[1]
OUT, PAGE = ROOT / "docs/results", ROOT / "docs/results.md"
BEGIN, END = "<!-- tables: written by benchmarks/results.py -->", "<!-- end of tables -->"
# Curves and species make a file of a megabyte: the page needs none.
LEFT_OUT = ("recall_by_species",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--encoder", nargs="+", default=["mini/int8"])
    parser.add_argument("--only", nargs="+", choices=list(JUDGED), default=list(JUDGED))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    for encoder in options.encoder:
        for name in options.only:
            began = time.monotonic()
            beside = JUDGED[name]
            figures = evaluate_folder(
                _curated(options.photos / name),
                _curated(options.photos / beside) if beside else None,
                encoder,
                compose(),
                without=_curated(options.photos / "not_mushroom"),
            )
            figures["data"]["folder"] = name
            figures["run"] = datetime.datetime.now(datetime.UTC).date().isoformat()
            figures["seconds"] = round(time.monotonic() - began, 1)
            path = OUT / f"{name}-{_slug(encoder)}.json"
            path.write_text(json.dumps(_smaller(figures), indent=1) + "\n", encoding="utf-8")
            print(f"{path}: {figures['seconds']} s")
    _write_page()


def _slug(encoder: str) -> str:
    """A packaged name, or the last part of a folder's."""
    return encoder.replace("/", "-") if not Path(encoder).is_dir() else Path(encoder).name


def _curated(folder: Path) -> Path:
    home = ROOT / "build/results" / folder.name
    if not curated.is_curated(home):
        curate(folder, home)
    return home


def _smaller(figures: Any) -> Any:
    """Numbers to five places, without what fills a file."""
    if isinstance(figures, dict):
        return {key: _smaller(one) for key, one in figures.items() if key not in LEFT_OUT}
    if isinstance(figures, list):
        return [_smaller(one) for one in figures]
    return round(figures, 5) if isinstance(figures, float) else figures


def _write_page() -> None:
    """The tables of every file, between the marks of the page."""
    tables = []
    for path in sorted(OUT.glob("*.json")):
        figures = json.loads(path.read_text(encoding="utf-8"))
        for title, key in (
            ("out of fold by specimen", "models"),
            ("out of fold by species", "species_left_out"),
            ("learned from field_walks", "from_other"),
            ("judged on field_walks", "to_other"),
            ("words alone, nothing is learned from the folder", "words"),
            (f"learned from {figures['data'].get('learned_from')}", "fine_tuned"),
        ):
            if figures.get(key):
                head = f"### {figures['data']['folder']}, {figures['encoder']}: {title}"
                tables.append(f"{head} ({figures['run']})\n\n{_table(figures[key])}")
        if found := figures.get("not_mushroom"):
            tables.append(
                f"Mushroom or not, AUROC: {found['probe_auroc']:.3f} by a probe, "
                f"{found['distance_auroc']:.3f} by the distance to known photos, with "
                f"{found['photos']} photos without a mushroom that the encoder has not learned from"
            )
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(tables) + f"\n\n{END}{after}")


def _table(models: dict[str, Any]) -> str:
    lines = [
        "| recipe | photos | macro recall (95%) | macro F1 | deadly recall (95%) | AUROC | harmful "
        "AUROC | ECE | risk-coverage area | deadly AP | poison cost | combined |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in models.items():
        deadly, cost = one["recall"].get("deadly"), one["poison_cost"]
        low, high = one["macro_recall_low"], one["macro_recall_high"]
        cells = [
            name,
            str(one["photos"]),
            f"{one['macro_recall']:.3f} ({low:.3f} to {high:.3f})",
            f"{one['macro_f1']:.3f}",
            f"{deadly['estimate']:.3f} ({deadly['low']:.3f} to {deadly['high']:.3f})"
            if deadly
            else "",
            *(f"{one[key]:.3f}" for key in ("auroc", "harmful_auroc", "calibration_error")),
            f"{one['risk_coverage']['area']:.3f}",
            f"{one['deadly']['average_precision']:.3f}" if one["deadly"] else "",
            f"{cost['track_2']:.2f}",
            f"{cost['combined']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
