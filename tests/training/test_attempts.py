"""Two attempts of the gate at once never take the same share of the year's level."""

import threading

from factories.model import make_model
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mycovigil.settings import TrainingSettings
from mycovigil_training.retrain import attempts

# Each attempt from the first on takes half of what is left.
FEW = TrainingSettings(gate_attempts_a_year=1)


def test_the_second_of_two_attempts_waits_and_counts_what_the_first_spent(
    clean_database: str, engine: Engine
) -> None:
    del clean_database
    taken: list[float] = []
    begun = threading.Event()

    def second() -> None:
        with Session(engine) as session, session.begin():
            begun.set()
            taken.append(attempts.limits_of_next(session, FEW).alpha)

    with Session(engine) as session, session.begin():
        first = attempts.limits_of_next(session, FEW).alpha
        other = threading.Thread(target=second)
        other.start()
        assert begun.wait(60)
        make_model(session, metrics={"gate": {"passed": False, "spent": first}})
        session.flush()
        assert taken == [], "it waits for the end of this transaction"
    other.join(60)
    assert 0 < taken[0] < first
    assert first + taken[0] <= FEW.gate_alpha
