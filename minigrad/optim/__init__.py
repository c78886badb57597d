"""Optimizers, schedules of their learning rates, clipping of gradients, averages of weights."""

from typing import TYPE_CHECKING

from minigrad.optim import schedule
from minigrad.optim.adam import Adam, AdamW
from minigrad.optim.adam_variants import Adamax, NAdam, RAdam
from minigrad.optim.adaptive import Adadelta, Adagrad, RMSprop
from minigrad.optim.average import EMA, WeightAverage
from minigrad.optim.clip import clip_grad_norm, clip_grad_value
from minigrad.optim.layerwise import LAMB, LARS
from minigrad.optim.lbfgs import LBFGS
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedule import scheduled
from minigrad.optim.scipy_minimize import MinimizeResult, minimize
from minigrad.optim.sgd import SGD, Lion
from minigrad.optim.update_in_backward import fused
from minigrad.pytorch_names import module_getattr as _module_getattr
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "EMA", "LAMB", "LARS", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "MinimizeResult",
    "NAdam", "Optimizer", "RAdam", "RMSprop", "WeightAverage", "clip_grad_norm", "clip_grad_value", "fused",
    "minimize", "schedule", "scheduled",
]  # fmt: skip

globals().update(_explained(globals(), __all__))

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
