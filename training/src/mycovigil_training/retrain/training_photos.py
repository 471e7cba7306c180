"""The photos that a model was trained, stopped or calibrated by, stored beside its bundle: no
evaluation may use them. Lists of older versions hold only those that it was trained on."""

from mycovigil.storage import MissingObject, Storage


def key_of(version: str) -> str:
    return f"models/{version}/trained.txt"


def remember(storage: Storage, version: str, digests: list[str]) -> None:
    """Write the sha256 of every photo that the model saw, one a line."""
    storage.write(key_of(version), "\n".join(sorted(set(digests))).encode())


def recall(storage: Storage, version: str) -> frozenset[str] | None:
    """The sha256 of the photos that a model version saw; none if the list is gone."""
    try:
        return frozenset(storage.read(key_of(version)).decode().split())
    except MissingObject:
        return None
