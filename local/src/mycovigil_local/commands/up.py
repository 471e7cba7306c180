"""Start everything on this machine: servers, services, worker; Ctrl-C stops it."""

from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from mycovigil.models.demo.registration import NOTICE
from mycovigil.stack_file import AlreadyRunning
from mycovigil_local.merged_log import MergedLog
from mycovigil_local.stack import Stack, end_as_ctrl_c_does, running

app = typer.Typer(add_completion=False)


@app.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="Where servers keep their data.")] = Path(
        ".mycovigil"
    ),
    predictor_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    drift_port: Annotated[int, typer.Option(help="0 takes a free port.")] = 0,
    quiet: Annotated[bool, typer.Option(help="Log to the file only.")] = False,
) -> None:
    """Start everything on this machine and print the addresses."""
    console = Console(highlight=False)
    end_as_ctrl_c_does()
    path = data_dir / "stack.log"
    with MergedLog(path, None if quiet else console) as merged:
        try:
            with running(data_dir, merged.line, ports=(predictor_port, drift_port)) as stack:
                _announce(console, stack, path)
                stack.watch()
        except KeyboardInterrupt:
            console.print("everything is stopped")
        except AlreadyRunning as error:
            console.print(f"mycovigil up: {error}; stop it, or give another --data-dir")
            raise typer.Exit(1) from error


def _announce(console: Console, stack: Stack, log: Path) -> None:
    rows = {
        "upload page and predictor": stack.predictor_url,
        "dashboard and drift API": stack.drift_url,
        "API key": stack.api_key,
        "Pub/Sub": stack.pubsub,
        "for scripts": str(stack.file),
        "log": str(log),
    }
    width = max(map(len, rows))
    console.rule("Mycovigil is up")
    for name, value in rows.items():
        console.print(f"  {name:<{width}}  [bold]{value}[/bold]", soft_wrap=True)
    key = {"Authorization": f"Bearer {stack.api_key}"}
    model = httpx.get(f"{stack.predictor_url}/v1/model", headers=key, timeout=5)
    if not model.is_success:
        console.print(
            "  No model yet. In another terminal here: [bold]mycovigil train PHOTOS[/bold], or\n"
            "  [bold]mycovigil simulate photos && mycovigil train photos[/bold] for a demo model."
        )
    elif model.json()["demo"]:
        console.print(
            f"  A {NOTICE}, answers.\n"
            "  Replace it, in another terminal here: [bold]mycovigil train PHOTOS[/bold]"
        )
    console.rule("Ctrl-C stops it")
