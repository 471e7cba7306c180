"""The spool: durable, bounded, each row once."""

from pathlib import Path

import pytest
from factories.row import make_row

from mycovigil_predictor.log.row import Claim, Row
from mycovigil_predictor.log.spool import Spool, SpoolFull
from mycovigil_predictor.log.spool_lock import SpoolInUse


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
    row = make_row()
    assert Row.from_json(row.to_json()).to_json() == row.to_json()
