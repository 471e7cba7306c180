"""Google's Pub/Sub emulator, a component of the Cloud SDK."""

import shutil
from pathlib import Path


def emulator_command(port: int) -> list[str] | None:
    """The emulator's command line; none where it or Java is not installed.

    The launcher itself is started rather than ``gcloud beta emulators``, whose wrapper does not
    pass signals on to Java.
    """
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    root = Path(gcloud).resolve().parent.parent
    for folder in (root, Path("/usr/lib/google-cloud-sdk"), Path("/opt/google-cloud-sdk")):
        launcher = folder / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"
        if launcher.is_file():
            return [str(launcher), "--host=127.0.0.1", f"--port={port}"]
    return None
