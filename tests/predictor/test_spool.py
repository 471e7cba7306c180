"""The spool: durable, bounded, each row once."""

from pathlib import Path

import pytest
from factories.row import make_row

from mycovigil_predictor.row import Claim, Row
from mycovigil_predictor.spool import Spool, SpoolFull


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


def test_it_takes_whole_batches_or_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", most_rows=3)
    spool.put([make_row(), make_row()])
    with pytest.raises(SpoolFull):
        spool.put([make_row(), make_row()])
    assert spool.depth == len(spool.oldest(10)) == 2
    spool.close()


def test_a_row_is_the_same_after_json() -> None:
    row = make_row()
    assert Row.from_json(row.to_json()).to_json() == row.to_json()
