"""Where a job trains: in a child process of this worker, or on Vertex AI."""

from mycovigil_worker.retrain.lease import Lease
from mycovigil_worker.retrain.training import Training
from mycovigil_worker.retrain.training_process import Child
from mycovigil_worker.retrain.vertex.vertex_training import VertexTraining
from mycovigil_worker.state import State


def training_of(state: State, lease: Lease) -> Training:
    """The training of the lease's job, as ``TRAINING_LAUNCHER`` says; nothing is started yet."""
    if state.settings.training.launcher == "vertex":
        return VertexTraining(state, lease)
    return Child(state.settings.training, ("retrain", "--job", str(lease.job_id)))
