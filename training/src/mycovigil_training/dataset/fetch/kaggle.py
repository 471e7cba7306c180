"""Download a data set from Kaggle, by its own client."""

import time
from collections.abc import Callable
from pathlib import Path

from mycovigil.backoff import Backoff
from mycovigil_training.dataset.fetch import disk
from mycovigil_training.dataset.fetch.failure import FetchFailed

SEED = "zedsden/mushroom-classification-dataset"
BACKOFF = Backoff(first=2.0, longest=60.0)
ATTEMPTS = 5
# The archive, and what is in it.
COPIES = 2


def download(handle: str, pause: Callable[[float], None] = time.sleep) -> Path:
    """Download (or find in kagglehub's cache) a data set; returns its folder.

    kagglehub checks Kaggle's MD5 and goes on with what it has; it is asked again where the
    connection breaks.

    Raises:
        FetchFailed: no network, no such data set, no permission, or no room.
    """
    import kagglehub
    from kagglehub.exceptions import KaggleApiHTTPError

    _require_room(handle)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return Path(kagglehub.dataset_download(handle))
        except KaggleApiHTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if status < 500 or attempt == ATTEMPTS:
                raise _refused(handle, status, error) from error
        except Exception as error:  # kagglehub raises whatever its transport raises
            if attempt == ATTEMPTS:
                raise _refused(handle, 0, error) from error
        pause(BACKOFF.seconds(attempt))
    raise AssertionError("not reached")


def address(handle: str) -> str:
    """Where the archive of a data set's newest version lies, for some hours.

    Raises:
        FetchFailed: as :func:`download`.
    """
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    owner, _, slug = handle.partition("/")
    request = ApiDownloadDatasetRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    try:
        with build_kaggle_client() as client:
            answer = client.datasets.dataset_api_client.download_dataset(request)
            answer.close()
            return str(answer.url)
    except Exception as error:  # the client raises whatever its transport raises
        status = getattr(getattr(error, "response", None), "status_code", 0)
        raise _refused(handle, status, error) from error


def _require_room(handle: str) -> None:
    """If Kaggle says how large the data set is; else kagglehub finds out on the way."""
    from kagglehub.clients import build_kaggle_client
    from kagglehub.config import get_cache_folder
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    owner, _, slug = handle.partition("/")
    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    try:
        with build_kaggle_client() as client:
            size = client.datasets.dataset_api_client.get_dataset(request).total_bytes
    except Exception:  # the download will say it better
        return
    disk.require(Path(get_cache_folder()), COPIES * int(size or 0), f"Kaggle's {handle}")


def _refused(handle: str, status: int, error: Exception) -> FetchFailed:
    page = f"https://www.kaggle.com/datasets/{handle}"
    if status in (401, 403):
        return FetchFailed(
            f"Kaggle refuses {handle} ({status}): create a token at "
            "https://www.kaggle.com/settings (API), put kaggle.json into ~/.kaggle or set "
            f"KAGGLE_USERNAME and KAGGLE_KEY, and accept the terms on {page}"
        )
    if status == 404:
        return FetchFailed(
            f"Kaggle knows no data set {handle}: is it OWNER/NAME as in its page's address? If "
            f"you can open {page}, download it by hand and run 'mycovigil dataset curate FOLDER'"
        )
    return FetchFailed(
        f"{handle} could not be downloaded ({error}): run the command again, it goes on with what "
        f"it has; or download it by hand from {page} and run 'mycovigil dataset curate FOLDER'"
    )
