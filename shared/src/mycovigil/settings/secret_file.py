"""Secrets from files, as Docker, Kubernetes and Secret Manager mount them.

``MYCOVIGIL_DATABASE_URL_FILE`` names the file that has what ``MYCOVIGIL_DATABASE_URL`` would have.
"""

from collections.abc import Mapping
from pathlib import Path

SUFFIX = "_FILE"


class WrongSecret(ValueError):
    """A secret that cannot be read; the message names the variable, and no secret."""


def read(environment: Mapping[str, str | None], name: str) -> str | None:
    """The secret that the file of the variable ``name`` holds; none where no file is named.

    Args:
        environment: variables; their case does not matter.
        name: of the variable without the suffix.

    Raises:
        WrongSecret: the variable is set too, or the file has no secret that can be read.
    """
    given = {key.upper(): value for key, value in environment.items()}
    name = name.upper()
    path = given.get(name + SUFFIX)
    if path is None:
        return None
    if given.get(name) is not None:
        raise WrongSecret(f"{name} and {name}{SUFFIX} are both set: remove one of them.")
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WrongSecret(f"{name}{SUFFIX}: {path} cannot be read: {reason}.") from error
    except ValueError as error:  # no UTF-8, or a path with NUL; its own message may quote bytes
        raise WrongSecret(f"{name}{SUFFIX}: {path} is no text in UTF-8.") from error
    if not secret:
        raise WrongSecret(f"{name}{SUFFIX}: {path} is empty.")
    return secret
