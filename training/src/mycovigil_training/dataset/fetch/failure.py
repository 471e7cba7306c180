"""Why a data set did not come; the message says what to do."""


class FetchFailed(ValueError):
    """Nothing that was fetched is taken for the whole; what arrived stays for the next try."""


def space(count: int) -> str:
    """Bytes as people write them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
