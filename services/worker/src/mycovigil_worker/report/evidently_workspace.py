"""Stored snapshots in a workspace of Evidently's own, to be opened with ``evidently ui``."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from mycovigil.storage import Storage
from mycovigil_worker.report import evidently_report


def filled(folder: Path, project: str, storage: Storage, keys: Iterable[str]) -> int:
    """Add the snapshots under these storage keys to a project of the workspace; how many it has.

    The project is made where it is not there. A snapshot that is there already, by its name (the
    window), is not added twice.

    Raises:
        MissingObject: a snapshot is gone from storage.
    """
    evidently_report.load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Evidently uses deprecated parts of pydantic and pandas
        from evidently.core.report import Snapshot
        from evidently.ui.workspace import Workspace

        workspace = Workspace.create(str(folder))
        known = workspace.search_project(project)
        home = known[0] if known else workspace.create_project(project)
        runs = [workspace.get_run(home.id, run) for run in workspace.list_runs(home.id)]
        listed = {run.name for run in runs if run is not None}
        for key in keys:
            snapshot = Snapshot.loads(storage.read(key).decode())
            if snapshot.get_name() not in listed:
                workspace.add_run(home.id, snapshot)
        return len(workspace.list_runs(home.id))
