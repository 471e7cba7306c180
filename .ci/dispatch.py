"""Tell GitHub of a promotion: ``make dispatch``, run by Cloud Build for messages of ``models``.

Variables: ``MODEL_ID``, ``VERSION`` and ``DECISION`` of the event, ``ENVIRONMENT``,
``GITHUB_REPOSITORY``, ``GITHUB_TOKEN`` (may write the repository's contents, which is what the API
asks for). Refusals are left alone: nothing serves another model after them.
"""

import json
import os
import sys
import urllib.request

FORWARD = {"initial", "passed", "rollback"}


def main() -> None:
    """Send one ``repository_dispatch``; exit code 1 with one sentence where that fails."""
    try:
        if os.environ["DECISION"] not in FORWARD:
            print(f"nothing to deploy: the decision is {os.environ['DECISION']!r}")
            return
        names = ("MODEL_ID", "VERSION", "DECISION", "ENVIRONMENT")
        payload = {name.lower(): os.environ[name] for name in names}
        send({"event_type": "model-promoted", "client_payload": payload})
    except KeyError as error:
        sys.exit(f"dispatch: the variable {error.args[0]} is missing")
    except OSError as error:
        sys.exit(f"dispatch: {error}")
    print(f"GitHub knows of model {payload['version']}")


def send(body: dict[str, object]) -> None:
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    request = urllib.request.Request(  # noqa: S310 - GitHub's address, or a test's
        f"{api}/repos/{os.environ['GITHUB_REPOSITORY']}/dispatches",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
        },
    )
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310


if __name__ == "__main__":
    main()
