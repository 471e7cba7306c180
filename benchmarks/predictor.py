"""The predictor against the encoder's own limit and against plain FastAPI on the same graph.

    PYTHONPATH=tests python benchmarks/predictor.py --encoder mini/int8 FOLDER --json FILE

Quote CPU time and ratios: wall time belongs to the machine. Servers and cases are shuffled in
every round. ``fraction``: encoder-only CPU ms an image over the server's CPU ms a request.
"""

import argparse
import json
import random
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from factories.encoder import tiny_encoder_folder
from factories.photo import make_photo
from rich.console import Console
from rich.table import Table
from serving import alone, servers
from serving.load import measure

from mycovigil.encoder.identity import locate

PHOTOS = {"800x600": (800, 600), "12 MP": (4_000, 3_000)}
Row = dict[str, Any]


def main() -> None:
    options = _options()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        for uri in options.encoder:
            folder = _folder(uri, Path(place)).resolve()
            rows += _encoder(uri, folder, Path(place) / Path(uri).name, options)
    _print(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


def _encoder(uri: str, folder: Path, data: Path, options: argparse.Namespace) -> list[Row]:
    photos = {
        name: [make_photo(*size, seed=seed, quality=88) for seed in range(4)]
        for name, size in PHOTOS.items()
    }
    data.mkdir()
    Path(data.parent).chmod(0o755)
    found: list[Row] = []
    chance = random.Random(options.seed)
    with servers.ours(folder, data) as ours, servers.plain(folder) as plain:
        for _ in range(options.rounds):
            limit = alone.encoder_cpu_ms(folder, photos["800x600"][0], batch=8, seconds=2)
            cases = [
                (server, name, clients)
                for server in (ours, plain)
                for name in photos
                for clients in options.clients
            ]
            chance.shuffle(cases)
            for server, name, clients in cases:
                load = measure(
                    server.url,
                    server.headers,
                    photos[name],
                    clients=clients,
                    seconds=options.seconds,
                    pid=server.pid,
                )
                case = {"encoder": uri, "server": server.name, "photo": name, "clients": clients}
                decoding = alone.decode_cpu_ms(folder, photos[name][0])
                found.append(case | asdict(load) | {"limit": limit, "decode": decoding})
    return found


def _print(rows: list[Row]) -> None:
    table = Table(title="median of rounds")
    keys = ("encoder", "server", "photo", "clients")
    numbers = ("per_second", "p50", "p95", "p99", "cpu_ms", "limit", "decode")
    for name in (*keys, *numbers, "fraction"):
        table.add_column(name, justify="right" if name in numbers else "left")
    for case in sorted({tuple(row[key] for key in keys) for row in rows}):
        same = [row for row in rows if tuple(row[key] for key in keys) == case]
        middle = {name: statistics.median(row[name] for row in same) for name in numbers}
        fraction = statistics.median(row["limit"] / row["cpu_ms"] for row in same)
        figures = [f"{middle[name]:.2f}" for name in numbers]
        table.add_row(*(str(part) for part in case), *figures, f"{fraction:.2f}")
    Console(width=160).print(table)


def _folder(uri: str, place: Path) -> Path:
    if uri == "tiny":
        return tiny_encoder_folder(place / "tiny-encoder")
    return locate(uri)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", nargs="+", default=["mini/int8"])
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
