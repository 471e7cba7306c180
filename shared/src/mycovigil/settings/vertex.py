"""Trainings on Vertex AI, where ``TRAINING_LAUNCHER`` is ``vertex``."""

from pydantic import Field

from mycovigil.settings.group import Group, prefixed


class VertexSettings(Group):
    model_config = prefixed("VERTEX")
    project: str = Field("", description="Google Cloud project of the custom jobs.")
    region: str = Field("europe-west1", description="Their region.")
    image: str = Field("", description="The trainer's image, by digest.")
    service_account: str = Field(
        "", description="Account that a job runs as; ours must be allowed to act as it."
    )
    machine_type: str = Field("g2-standard-8", description="Machine of a job.")
    accelerator: str = Field(
        "NVIDIA_L4", description="Its accelerator, by Vertex AI's name; empty for none."
    )
    accelerators: int = Field(1, ge=1, le=16, description="How many of them.")
    network_attachment: str = Field(
        "", description="Network attachment through which a job reaches Postgres' private address."
    )
    staging: str = Field("", description="Bucket for a job's working files, gs://.")
    database_file: str = Field(
        "",
        description="File with the database's URL as a job sees it, /gcs/BUCKET/OBJECT: Vertex AI "
        "mounts buckets and has no secrets. It becomes MYCOVIGIL_DATABASE_URL_FILE there.",
    )
    environment: dict[str, str] = Field(
        {},
        description="Variables of a job, as a JSON object; they come before those that it gets "
        "from the worker's environment (storage, encoder, training, logs).",
    )
    queue_seconds: float = Field(
        21_600, gt=0, description="Longest wait for a machine before a job is cancelled."
    )
    poll_seconds: float = Field(30, gt=0, description="How often a job's state is read.")
    endpoint: str = Field(
        "",
        description="Address of the API; the region's own if empty. One with http:// is asked "
        "without a login.",
    )

    @property
    def parent(self) -> str:
        """Where custom jobs are listed and made."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def address(self) -> str:
        """The API's address, without a slash at its end."""
        return self.endpoint.rstrip("/") or f"https://{self.region}-aiplatform.googleapis.com"
