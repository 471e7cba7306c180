"""The rounds of a run as medians, and as a table."""

import statistics
from typing import Any

from rich.console import Console
from rich.table import Table

from serving import gpu
from serving.load import percentiles

Row = dict[str, Any]
LIMIT = "encoder alone"
OURS = "Mycovigil"
LOADED = 32
NUMBERS = ("per_second", "p50", "p95", "p99", "cpu_ms", "store_ms", "fraction")


def summary(rounds: list[Row]) -> list[Row]:
    """A row a cell: medians over rounds; percentiles over all answers of all rounds."""
    limits = [one["cpu_ms"] for one in rounds if one["server"] == LIMIT]
    limit = statistics.median(limits)
    cells = sorted({(r["photo"], r["clients"], r["server"]) for r in rounds if "photo" in r})
    found: list[Row] = [{"server": LIMIT, "cpu_ms": limit, "rounds": limits}]
    for photo, clients, server in cells:
        key = {"server": server, "photo": photo, "clients": clients}
        same = [row for row in rounds if key.items() <= row.items() and "failed" not in row]
        found.append(key | (_middle(same, limit) if same else {"failed": True}))
    return found


def _middle(same: list[Row], limit: float) -> Row:
    middle = {
        name: statistics.median(row[name] for row in same)
        for name in ("per_second", "cpu_ms", "store_ms")
    }
    answers = [latency for row in same for latency in row["latencies"]]
    spread = [round(row["cpu_ms"], 2) for row in same]
    return (
        middle
        | percentiles(answers)
        | {"fraction": limit / middle["cpu_ms"], "answers": len(answers), "cpu_ms_rounds": spread}
    )


def show(found: Row) -> None:
    """Print the table of one encoder."""
    limit, *cells = found["cells"]
    table = Table(title=f"{found['encoder']} ({found['precision']}), medians of rounds")
    for name in ("photo", "clients", "server", *NUMBERS):
        table.add_column(name, justify="right" if name in NUMBERS else "left")
    for cell in cells:
        keys = [cell["photo"], str(cell["clients"]), cell["server"]]
        figures = ["failed"] if "failed" in cell else [f"{cell[name]:.2f}" for name in NUMBERS]
        table.add_row(*keys, *figures)
    console = Console(width=150)
    console.print(table)
    console.print(f"encoder alone: {limit['cpu_ms']:.2f} CPU ms an image, all lanes at work")
    console.print(f"decode: {found['decode_ms']} CPU ms; photos: {found['photo_bytes']} bytes")
    console.print(f"insert, our process: {found['insert_ms']} CPU ms a row, 8 rows at once")
    console.print(f"GPU: {found['gpu'] or gpu.NONE}")
    for told in goals(found):
        console.print(f"- {told}")


def goals(found: Row) -> list[str]:
    """What the issue asks for, as far as the run measured it."""
    cells = {
        (cell["photo"], cell["clients"], cell["server"]): cell
        for cell in found["cells"]
        if "photo" in cell and "failed" not in cell
    }
    told = []
    for (photo, clients, server), own in cells.items():
        if server != OURS:
            continue
        if clients == LOADED:
            told += _loaded(found, cells, photo, own)
        lit = cells.get((photo, 1, "LitServe, our engine"))
        if clients == 1 and lit:
            told.append(f"{photo}: p50 at 1 client {own['p50']:.1f} ms, LitServe {lit['p50']:.1f}")
    return told


def _loaded(found: Row, cells: dict[tuple[str, int, str], Row], photo: str, own: Row) -> list[str]:
    limit, decode = found["cells"][0]["cpu_ms"], found["decode_ms"][photo]
    spent = own["cpu_ms"] + own["store_ms"]
    told = [
        f"{photo}: {own['fraction']:.2f} of the encoder-only rate at {LOADED} clients, "
        f"{(limit + decode) / own['cpu_ms']:.2f} of encoder and decoding"
    ]
    if found["insert_ms"]:
        share = (found["insert_ms"][0] + own["store_ms"]) / spent
        told.append(f"{photo}: insert {100 * share:.1f}% of the CPU, Postgres and Redis included")
    shipped = [
        cell["cpu_ms"]
        for (name, clients, server), cell in cells.items()
        if name == photo and clients == LOADED and server.endswith(", torch")
    ]
    if shipped:
        told.append(
            f"{photo}: {min(shipped) / own['cpu_ms']:.1f} times less CPU than the best peer "
            f"as shipped"
        )
    return told
