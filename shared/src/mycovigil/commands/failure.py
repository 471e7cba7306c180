"""What a person should do about a failure of a command that needs no traceback."""

from mycovigil.commands.lazy_group import DISTRIBUTIONS

# The extra that brings a package which only some installations have.
EXTRAS = {
    "gcsfs": "mycovigil[gcs]",
    "opentelemetry": "mycovigil[otlp]",
    "openvino": "mycovigil-predictor[openvino]",
}


# How the system, torch and SQLite word it.
FULL = ("No space left on device", "PytorchStreamWriter failed writing", "disk is full")


def sentence(error: Exception, command: str) -> str | None:
    """One sentence about a missing package, a full disk or memory, a wrong setting, what is missing
    in the cloud, or an absent database; else none."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.split(".")[0]
        bringer = EXTRAS.get(package) or DISTRIBUTIONS.get(command, package)
        return f"{package!r} is not installed; pip install '{bringer}' brings it."
    return _room(error) or _setting(error) or _cloud() or _database(error)


def explained(error: Exception) -> str:
    """The error's own words; of a full disk also what to do."""
    words = str(error)
    full = any(one in words for one in FULL)
    return f"{words}: make room, and run the command again" if full else words


def _room(error: Exception) -> str | None:
    """By the words of the errors: torch and safetensors raise classes of their own."""
    words = str(error)
    if any(one in words for one in FULL):
        places = (getattr(error, name, None) for name in ("filename2", "filename"))
        place = next((f" ({one})" for one in places if one), "")
        return f"the disk is full{place}: make room, and run it again."
    if isinstance(error, MemoryError) or "out of memory" in words.lower():
        return "there is too little memory: give smaller batches (batch, encode_batch)."
    return None


def _setting(error: Exception) -> str | None:
    from mycovigil.settings import UnknownSetting, WrongSetting

    return str(error) if isinstance(error, (UnknownSetting, WrongSetting)) else None


def _cloud() -> str | None:
    from mycovigil import cloud_access
    from mycovigil.settings import Settings

    return cloud_access.sentence(Settings.load())


def _database(error: Exception) -> str | None:
    from sqlalchemy.exc import OperationalError

    if not isinstance(error, OperationalError):
        return None
    reason = str(error.orig).strip().splitlines()[0]
    return (
        f"the database does not answer ({reason}). Start 'mycovigil up' here, or set "
        "MYCOVIGIL_DATABASE_URL."
    )
