"""Training: the loop, what it measures, and how it is kept and resumed."""

from minigrad.training.callback import Callback
from minigrad.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minigrad.training.evaluate import evaluate, predict
from minigrad.training.history import History
from minigrad.training.loop import fit
from minigrad.training.metric import accuracy, confusion_matrix, predictions
from minigrad.training.progress import Progress
from minigrad.training.run import Run, latest_run, new_folder
from minigrad.training.state import Training

__all__ = [
    "Callback", "Checkpoint", "History", "Progress", "Run", "Training", "accuracy", "confusion_matrix", "evaluate",
    "fit", "latest_run", "load_checkpoint", "new_folder", "predict", "predictions", "save_checkpoint",
]  # fmt: skip
