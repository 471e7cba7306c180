"""One thing that is missing in Google Cloud, and the command that mends it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, and the command that mends it."""

    what: str
    mend: str


def grant(command: str, role: str) -> str:
    """``command`` that gives ``role`` to the account that we run as."""
    return f"{command} --member=serviceAccount:{_account()} --role={role}"


def _account() -> str:
    """The service account that we run as, or a word for it."""
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
    except ModuleNotFoundError:
        return "ACCOUNT"
    try:
        credentials, _ = google.auth.default()
    except GoogleAuthError:
        return "ACCOUNT"
    name = getattr(credentials, "service_account_email", None)
    return str(name) if name and "@" in str(name) else "ACCOUNT"
