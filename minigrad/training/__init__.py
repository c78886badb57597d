"""Training: the loop, metrics, callbacks, and checkpoints to resume from.

`fit` is the usual loop with checks, a history and callbacks. Its parts work in any other loop as well:

>>> import numpy as np
>>> from minigrad import nn, optim, seed
>>> from minigrad.data import DataLoader
>>> from minigrad.functional import cross_entropy
>>> from minigrad.optim.schedule import Cosine
>>> seed(0)
>>> x = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
>>> y = (x[:, 0] * x[:, 1] > 0).astype(int)
>>> model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
>>> loader = DataLoader((x, y), batch_size=10, shuffle=True)
>>> optimizer, schedule, step = optim.Adam(model.parameters(), lr=0.03), Cosine(), 0
>>> for epoch in range(30):
...     for inputs, target in loader:
...         optimizer.zero_grad()
...         cross_entropy(model(inputs), target).backward()
...         norm = optim.clip_grad_norm(model.parameters(), 1.0)
...         with optim.scheduled(optimizer, schedule, step, total=30 * len(loader)):
...             optimizer.step()
...         step += 1
...     measured = evaluate(model, (x, y), cross_entropy, metrics=[F1()])
>>> measured["accuracy"] > 0.9, measured["f1"] > 0.9
(True, True)
"""

from minigrad.training.callback import Callback
from minigrad.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from minigrad.training.early_stopping import EarlyStopping
from minigrad.training.evaluation import evaluate, predict
from minigrad.training.generation import Beam, beam_search, generate, next_probabilities
from minigrad.training.gradient_statistics import GradientStatistics
from minigrad.training.history import History
from minigrad.training.loggers import CSVLogger, TensorBoard
from minigrad.training.loop import fit
from minigrad.training.metrics import (
    F1,
    R2,
    Confusion,
    MeanMetric,
    Metric,
    Precision,
    Recall,
    accuracy,
    confusion_matrix,
    mae,
    mse,
    predictions,
    top_k_accuracy,
)
from minigrad.training.progress import Progress
from minigrad.training.run import Run, latest_run_folder, new_run_folder
from minigrad.training.save_best import SaveBest
from minigrad.training.training_state import TrainingState

__all__ = [
    "F1", "R2", "Beam", "CSVLogger", "Callback", "Checkpoint", "Confusion", "EarlyStopping", "GradientStatistics",
    "History", "MeanMetric", "Metric", "Precision", "Progress", "Recall", "Run", "SaveBest", "TensorBoard",
    "TrainingState", "accuracy", "beam_search", "confusion_matrix", "evaluate", "fit", "generate",
    "latest_run_folder", "load_checkpoint", "mae", "mse", "new_run_folder", "next_probabilities", "predict",
    "predictions", "save_checkpoint", "top_k_accuracy",
]  # fmt: skip
