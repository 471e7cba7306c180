"""Download a dataset from Kaggle, by its own client."""

from pathlib import Path

SEED = "zedsden/mushroom-classification-dataset"


class FetchFailed(ValueError):
    """The download did not work; the message says what to do."""


def fetch(handle: str = SEED) -> Path:
    """Download (or find in kagglehub's cache) a dataset; returns its folder.

    Raises:
        FetchFailed: no network, no such dataset, or no permission.
    """
    import kagglehub

    try:
        return Path(kagglehub.dataset_download(handle))
    except Exception as error:  # kagglehub raises whatever its transport raises
        raise FetchFailed(
            f"{handle} could not be downloaded ({error}): download it by hand from "
            f"https://www.kaggle.com/datasets/{handle} and run 'mycovigil dataset curate FOLDER'"
        ) from error
