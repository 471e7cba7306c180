"""Send a folder of photos as traffic: concurrent, resumable, answers as CSV."""

import csv
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mycovigil.stack_file import read
from mycovigil_client import Answer, Client, PredictionRefused, SafetyClass

app = typer.Typer(add_completion=False)
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
# Arguments that open the answers' file: a photo's name may not be UTF-8.
CSV: Any = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
COLUMNS = ["photo", "id", "verdict", "label", *SafetyClass, "distance_to_reference", "problem"]


@app.command()
def send(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Answers; photos in it are not sent again.")] = Path(
        "answers.csv"
    ),
    url: Annotated[str | None, typer.Option(help="Predictor; default: the local stack's.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar="MYCOVIGIL_API_KEY")] = None,
    data_dir: Annotated[Path, typer.Option(help="Of the local stack.")] = Path(".mycovigil"),
    concurrency: Annotated[int, typer.Option(min=1, max=128)] = 8,
) -> None:
    """Send every photo below FOLDER to the predictor."""
    address, key = _target(url, api_key, data_dir)
    done = _answered(out)
    photos = [path for path in _photos(folder) if str(path) not in done]
    with Client(address, key) as client, out.open("a", **CSV) as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if stream.tell() == 0:
            writer.writeheader()
        refused = 0
        for row in _answers(client, photos, concurrency):
            refused += "problem" in row
            writer.writerow(row)
            stream.flush()  # a killed run sends none of these again
    sent = len(photos) - refused
    Console().print(f"{sent} answered, {refused} refused, {len(done)} done before: {out}")
    raise typer.Exit(1 if refused else 0)


def _answers(client: Client, photos: list[Path], concurrency: int) -> Iterator[dict[str, object]]:
    """The rows in the order of the answers, so that an interrupted run can be resumed."""
    with _progress() as progress, ThreadPoolExecutor(concurrency) as pool:
        task = progress.add_task("sending", total=len(photos))
        waiting = {pool.submit(client.predict, path): path for path in photos}
        try:
            for future in as_completed(list(waiting)):
                yield _outcome(waiting.pop(future), future)
                progress.advance(task)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)  # what is not sent yet stays unsent
            for future, path in waiting.items():
                if not future.cancelled():  # it was sent already, so its answer is logged
                    yield _outcome(path, future)
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _outcome(path: Path, future: Future[Answer]) -> dict[str, object]:
    """The answer as a row, or the problem."""
    try:
        return _row(path, future.result())
    except (PredictionRefused, httpx.TransportError, OSError) as error:
        return {"photo": str(path), "problem": str(error)}


def _row(path: Path, answer: Answer) -> dict[str, object]:
    return {
        "photo": str(path),
        "id": answer.id,
        "verdict": answer.verdict,
        "label": answer.label,
        **{name: round(answer.probabilities[name], 6) for name in SafetyClass},
        "distance_to_reference": round(answer.distance_to_reference, 6),
    }


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )


def _photos(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)


def _answered(out: Path) -> set[str]:
    """Photos that have an answer in ``out``."""
    if not out.exists():
        return set()
    with out.open(**CSV) as stream:
        return {row["photo"] for row in csv.DictReader(stream) if row["id"]}


def _target(url: str | None, api_key: str | None, data: Path) -> tuple[str, str]:
    """The predictor's address and a key: as given, or those of the local stack."""
    if url and api_key:
        return url, api_key
    stack = read(data / "stack.json")
    if stack is None:
        raise typer.BadParameter(
            "give --url and --api-key, or start the local stack by 'mycovigil up'"
        )
    return url or stack["predictor_url"], api_key or stack["api_key"]
