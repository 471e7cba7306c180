"""The option ``--reason`` of commands that are audited."""

import typer

FEWEST, MOST = 3, 500


def said(value: str) -> str:
    """The reason without blanks around it.

    Raises:
        typer.BadParameter: there is none, or it is too long for an answer.
    """
    words = value.strip()
    if not FEWEST <= len(words) <= MOST:
        raise typer.BadParameter(f"say why, in {FEWEST} to {MOST} characters")
    return words
