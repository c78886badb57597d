"""Training: the loop, what it measures, and how it is kept and resumed.

`fit` is a loop of one's own with checks, records and callbacks. Its parts serve in any other loop as well:

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
from minigrad.training.evaluate import evaluate, predict
from minigrad.training.history import History
from minigrad.training.loop import fit
from minigrad.training.metric import accuracy, confusion_matrix, mae, mse, predictions, top_k_accuracy
from minigrad.training.progress import Progress
from minigrad.training.record import GradientStatistics, SaveCSV, TensorBoard
from minigrad.training.run import Run, latest_run, new_folder
from minigrad.training.state import Training
from minigrad.training.tally import F1, R2, Confusion, Metric, Precision, Recall
from minigrad.training.watch import EarlyStopping, SaveBest

__all__ = [
    "F1", "R2", "Callback", "Checkpoint", "Confusion", "EarlyStopping", "GradientStatistics", "History", "Metric",
    "Precision", "Progress", "Recall", "Run", "SaveBest", "SaveCSV", "TensorBoard", "Training", "accuracy",
    "confusion_matrix", "evaluate", "fit", "latest_run", "load_checkpoint", "mae", "mse", "new_folder", "predict",
    "predictions", "save_checkpoint", "top_k_accuracy",
]  # fmt: skip
