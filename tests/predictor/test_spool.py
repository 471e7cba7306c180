"""The spool: durable, bounded, each row once."""

import datetime
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories.row import make_row

from mycovigil.db.base import first_id_at
from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.log.spool_lock import SpoolInUse

HOUR = datetime.timedelta(hours=1)


def test_it_survives_the_process(tmp_path: Path) -> None:
    kept = make_row(claim=Claim("client", "key", "fingerprint"))
    spool = Spool(tmp_path / "s.sqlite", most_rows=100)
    spool.put([kept])
    spool.put([kept])
    spool.close()

    again = Spool(tmp_path / "s.sqlite", most_rows=100)
    assert again.depth == 1
    (found,) = again.oldest(10)
    assert found.to_json() == kept.to_json()
    assert found.features.tolist() == kept.features.tolist()
    assert again.get(kept.id) is not None
    claimed = again.claimed("client", "key")
    assert claimed is not None
    assert claimed[1].fingerprint == "fingerprint"
    again.remove([kept.id])
    assert (again.depth, again.oldest(1), again.claimed("client", "key")) == (0, [], None)
    again.close()


def test_it_takes_as_many_rows_of_a_batch_as_it_has_room_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=3)
    assert spool.put([make_row(), make_row()]) == 2
    batch = [make_row(), make_row()]
    assert spool.put(batch) == 1
    assert spool.full
    assert [spool.get(row.id) is not None for row in batch] == [True, False]
    with pytest.raises(SpoolFull):
        spool.put([make_row()])
    assert spool.depth == len(spool.oldest(10)) == 3
    spool.close()


def fill(spool: Spool) -> None:
    """A disk that is full, to SQLite: its file may not grow."""
    pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
    spool._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolFull, match="full"):
        spool.put([make_row() for _ in range(1_000)])


def test_a_full_disk_is_a_full_spool_until_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=10_000)
    spool.put([make_row()])
    fill(spool)
    assert "full" in str(spool.trouble)
    with pytest.raises(SpoolFull):
        spool.probe()
    spool._database.execute("PRAGMA max_page_count = 100000")
    spool.probe()
    assert spool.trouble is None
    assert spool.put([make_row()]) == 1
    assert spool.depth == len(spool.oldest(10_000)) == 2
    spool.close()


def test_what_is_set_aside_is_not_drained_and_not_lost(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    bad, good = make_row(claim=Claim("client", "key", "fingerprint")), make_row()
    spool.put([bad, good])
    spool.set_aside(bad.id, "refused")
    spool.close()

    again = Spool(tmp_path / "s.sqlite", most_rows=10)
    assert (again.depth, again.aside, again.holds) == (1, 1, True)
    assert [row.id for row in again.oldest(10)] == [good.id]
    found = again.get(bad.id)
    assert found is not None
    assert found.to_json() == bad.to_json()
    assert again.claimed("client", "key") is not None
    again.close()


def test_rows_that_cannot_be_read_hold_up_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    old, good = make_row(claim=Claim("client", "key", "fingerprint")), make_row()
    spool.put([old, good])
    spool._database.execute(
        "UPDATE rows SET body = '{\"of\": \"another version\"}' WHERE key = 'key'"
    )
    assert [row.id for row in spool.oldest(1)] == [good.id]
    assert (spool.depth, spool.aside) == (1, 1)
    assert (spool.get(old.id), spool.claimed("client", "key")) == (None, None)
    spool.close()


def test_two_processes_do_not_share_one(tmp_path: Path) -> None:
    """Each would count its own rows only: look-ups would miss what the other keeps."""
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    with pytest.raises(SpoolInUse, match="MYCOVIGIL_PREDICTOR_SPOOL_PATH"):
        Spool(tmp_path / "s.sqlite", most_rows=10)
    spool.close()
    Spool(tmp_path / "s.sqlite", most_rows=10).close()


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=10)
    spool.put([make_row()])
    files = list(tmp_path.glob("s.sqlite*"))
    assert len(files) > 1
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    spool.close()


def test_a_row_is_the_same_after_json() -> None:
    bare = make_row()
    full = replace(
        bare,
        trace_id="trace",
        claim=Claim("client", "key", "fingerprint"),
        fingerprint=b"\x00\xff",
        nearest_species=("Amanita phalloides", "Agaricus campestris"),
        photo_rows=[{"label": "deadly"}],
    )
    for row in (bare, full, replace(bare, nearest_species=())):
        found = Row.from_json(row.to_json())
        assert found.features.dtype == np.float32
        assert found.features.tolist() == row.features.tolist()
        same = {"features": row.features}
        assert replace(found, **same) == replace(row, **same)  # type: ignore[arg-type]


def test_a_row_of_an_older_version_is_read() -> None:
    row = make_row()
    old = json.loads(row.to_json())
    for name in ("photo_rows", "fingerprint", "key_prefix"):
        del old[name]
    assert Row.from_json(json.dumps(old).encode()).to_json() == row.to_json()


def test_threads_share_it_and_a_row_counts_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new" / "folders" / "s.sqlite", most_rows=100)
    rows = [make_row() for _ in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: spool.put([row]), [*rows, *rows]))
        assert spool.depth == len(spool.oldest(100)) == 20
        list(pool.map(lambda row: spool.remove([row.id]), rows[:5]))
    assert (spool.depth, spool.trouble, spool.full) == (15, None, False)
    assert {row.id for row in spool.oldest(100)} == {row.id for row in rows[5:]}
    spool._most_rows = 15
    with pytest.raises(SpoolFull, match="15 of 15 rows are spooled"):
        spool.put([make_row()])
    spool.close()


def test_a_day_is_from_midnight_to_midnight(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=100)
    midnight = datetime.datetime(2026, 12, 31, tzinfo=datetime.UTC)
    moments = [midnight + hours * HOUR for hours in (-1e-6, 0, 12, 24 - 1e-6, 24, 60)]
    rows = [replace(make_row(), id=first_id_at(moment)) for moment in moments]
    spool.put(rows)
    day = midnight.date()
    assert spool.days() == [day + n * 24 * HOUR for n in (-1, 0, 1, 2)]
    assert [row.id for row in spool.oldest(100, day)] == [row.id for row in rows[1:4]]
    assert [row.id for row in spool.oldest(2, day)] == [row.id for row in rows[1:3]]
    assert [row.id for row in spool.oldest(100)] == [row.id for row in rows]
    assert spool.oldest(100, day + 3 * 24 * HOUR) == []
    spool.remove([row.id for row in rows])
    assert spool.days() == []
    spool.close()
