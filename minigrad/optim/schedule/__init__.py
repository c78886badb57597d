"""Learning-rate schedules: functions from the step's number to a factor of the base learning rate.

A step is one update of the parameters. A schedule changes no optimizer: `fit`, or `scheduled` in a loop of one's own,
multiplies every parameter group's own `lr` by the factor for the length of one update. What follows from the step's
number alone needs no state, so a resumed training needs nothing but that number; only `Plateau` has a state, since it
depends on a metric of each epoch.

Where a number of steps is a setting, an integer counts steps, and a float is a share of all steps. PyTorch's schedulers
usually count epochs: its `StepLR(optimizer, 30)` is `Step(30 * len(loader))` here. `fit` warns where epochs were
probably meant.
"""

from typing import TYPE_CHECKING

from minigrad.optim.schedule.base import Count, Schedule, scheduled
from minigrad.optim.schedule.compose import Chained, Lambda, Sequential, warmup
from minigrad.optim.schedule.cycle import CosineRestarts, OneCycle
from minigrad.optim.schedule.decay import Cosine, Exponential, InverseTime, Polynomial
from minigrad.optim.schedule.piecewise import Constant, Linear, MultiStep, Step
from minigrad.optim.schedule.plateau import Plateau
from minigrad.optim.schedule.settings import SCHEDULES, schedule_of, schedule_settings
from minigrad.pytorch_names import module_getattr as _module_getattr
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "SCHEDULES", "Chained", "Constant", "Cosine", "CosineRestarts", "Count", "Exponential", "InverseTime", "Lambda",
    "Linear", "MultiStep", "OneCycle", "Plateau", "Polynomial", "Schedule", "Sequential", "Step", "schedule_of",
    "schedule_settings", "scheduled", "warmup",
]  # fmt: skip

globals().update(_explained(globals(), __all__))

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
