"""The predictor beside the field and beside the encoder's own limit, all in one run.

    PYTHONPATH=tests python benchmarks/predictor.py --encoder FOLDER mini/int8 \
        --peers /tmp/peers/bin/python --json FILE

Cells (server, photo size, clients) come in a new random order in every round; servers that are
not being measured are stopped. Quote CPU time and ratios: wall time belongs to the machine.
``fraction``: CPU ms an image of the encoder alone over CPU ms a request of the server.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from factories.encoder import tiny_encoder_folder
from factories.photo import encoded, make_picture
from PIL import Image
from rich.console import Console
from serving import alone, gpu, report, servers
from serving.load import Refused, measure, message
from serving.servers import Server

from mycovigil.settings import PredictorSettings
from mycovigil.vision.encoder.identity import EncoderIdentity, locate

PHOTOS = {"800x600": (800, 600), "12 MP": (4_000, 3_000)}
DIFFERENT = 4
GRAIN = 6.0
# Noise, in grey levels, that gives a picture the bytes of a photo: 0.2 and 4 MB.
QUALITY = 88
Row = dict[str, Any]
console = Console(stderr=True)


def main() -> None:
    options = _options()
    found: list[Row] = []
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        photos = {name: _photos(*PHOTOS[name]) for name in options.photos}
        for uri in options.encoder:
            folder = _folder(uri, Path(place)).resolve()
            found.append(_encoder(uri, folder, Path(place), photos, options))
            report.show(found[-1])
            if options.json:
                options.json.write_text(json.dumps(found, indent=1) + "\n")


def _encoder(
    uri: str, folder: Path, place: Path, photos: dict[str, list[bytes]], options: argparse.Namespace
) -> Row:
    identity = EncoderIdentity.read(folder)
    rounds: list[Row] = []
    example = next(iter(photos.values()))[0]
    with _started(folder, place, options) as running:
        limit = alone.Limit(folder, example, lanes=PredictorSettings().engines)
        cells = _cells(running, options)
        for turn in range(options.rounds):
            random.Random(options.seed + turn).shuffle(cells)
            for server, name, clients in cells:
                console.log(f"{uri} {turn + 1}/{options.rounds} {server.name} {name} {clients}")
                rounds.append(_cell(server, name, photos[name], clients, options))
            rounds.append({"server": report.LIMIT, "cpu_ms": limit.cpu_ms(options.seconds)})
            if options.json:
                options.json.with_suffix(".part").write_text(json.dumps(rounds))
        limit.close()
        inserting = [
            alone.insert_cpu_ms(one.database, rows=8, batches=50, dimension=identity.dimension)
            for one in running
            if one.database
        ]
    return {
        "encoder": uri,
        "precision": f"{identity.precision} in {identity.runtime}",
        "rounds": rounds,
        "cells": report.summary(rounds),
        "decode_ms": {n: alone.decode_cpu_ms(identity, some[0]) for n, some in photos.items()},
        "photo_bytes": {name: len(some[0]) for name, some in photos.items()},
        "insert_ms": inserting,
        "gpu": [asdict(one) for one in gpu.rates(folder)],
    }


@contextmanager
def _started(folder: Path, place: Path, options: argparse.Namespace) -> Iterator[list[Server]]:
    """All servers that were asked for, stopped until they are measured."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place)))
        data.chmod(0o755)
        wanted = [one for one in servers.PEERS if options.peers and _asked(one.name, options)]
        running = [
            stack.enter_context(servers.peer(one, folder, options.peers, data)) for one in wanted
        ]
        if _asked("Mycovigil", options):
            running.append(stack.enter_context(servers.ours(folder, data)))
        for server in running:
            server.pause()
        yield running


def _asked(name: str, options: argparse.Namespace) -> bool:
    return not options.server or any(part.lower() in name.lower() for part in options.server)


def _cells(running: list[Server], options: argparse.Namespace) -> list[tuple[Server, str, int]]:
    return [
        (server, name, clients)
        for server in running
        for name in options.photos
        for clients in options.clients
    ]


def _cell(
    server: Server, name: str, photos: list[bytes], clients: int, options: argparse.Namespace
) -> Row:
    cell: Row = {"server": server.name, "photo": name, "clients": clients}
    messages = [message(server.url, server.headers, *server.body(photo)) for photo in photos]
    server.resume()
    try:
        load = measure(
            server.url,
            messages,
            clients=clients,
            seconds=options.seconds,
            pid=server.pid,
            stores=server.stores,
        )
    except (Refused, OSError, TimeoutError) as error:
        console.log(f"{server.name} failed: {error!r}")
        return cell | {"failed": repr(error)[:300]}
    finally:
        server.pause()
    return cell | asdict(load)


def _photos(width: int, height: int) -> list[bytes]:
    return [_photo(width, height, seed) for seed in range(DIFFERENT)]


def _photo(width: int, height: int, seed: int) -> bytes:
    """A JPEG with some grain: smooth pictures decode faster than photos do."""
    picture = np.asarray(make_picture(width, height, seed), dtype=np.float32)
    grain = np.random.default_rng(seed).normal(0, GRAIN, picture.shape)
    grained = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return encoded(Image.fromarray(grained), "JPEG", quality=QUALITY)


def _folder(uri: str, place: Path) -> Path:
    if uri == "tiny":
        return tiny_encoder_folder(place / "tiny-encoder")
    return locate(uri)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", nargs="+", default=["mini/int8"], help="names or folders")
    parser.add_argument("--peers", type=Path, help="python of benchmarks/requirements.txt")
    parser.add_argument("--server", nargs="+", help="parts of names; all if none")
    parser.add_argument("--photos", nargs="+", default=list(PHOTOS), choices=PHOTOS)
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
