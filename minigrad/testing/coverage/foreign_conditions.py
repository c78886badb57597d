"""The conditions of calls of foreign functions: those that apply, and those that one call is in.

Of a function that is no op nothing is known but its calls, so a row has the conditions that its calls could be in: no
broadcasting and no numbers where shapes were given, no single precision where one dtype was given. That it has kinks is
known once the law of gradients has met one: till then the condition does not apply.
"""

from __future__ import annotations

import numpy as np

from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.op_shapes import AXIS_SETTINGS
from minigrad.testing.report import Report


def applicable_to_call(call: FunctionCall) -> list[str]:
    """The conditions that the function of a call can be in, by what is known of it."""
    free = not call.fixed_shapes and not hasattr(call.f, "parameters")
    applies = {
        "broadcast": free and len(call.values) > 1,
        "negative axis": any(name in call.settings for name in AXIS_SETTINGS),
        "0-d": free,
        "empty": not hasattr(call.f, "parameters"),
        "float32": not hasattr(call.f, "parameters") and np.float32 in call.framework.dtypes,
        "non-contiguous": True,
        "second order": call.framework.higher_order or call.framework.hvp is not None,
        "kink": met_kink(call),
    }
    return [condition for condition, does in applies.items() if does]


def conditions_of_call(call: FunctionCall, *, twice: bool) -> list[str]:
    """The conditions that a call is in, which was differentiated once, or twice."""
    axes = [call.settings[name] for name in AXIS_SETTINGS if call.settings.get(name) is not None]
    shapes = {x.shape for x in call.values}
    met = {
        "broadcast": len(shapes) > 1,
        "negative axis": any(np.any(np.asarray(axis) < 0) for axis in axes),
        "0-d": () in shapes,
        "empty": any(x.size == 0 for x in call.values),
        "float32": any(x.dtype == np.float32 for x in call.values),
        "non-contiguous": any(not x.flags.c_contiguous for x in call.values),
        "second order": twice,
        "kink": met_kink(call),
    }
    return [condition for condition, is_met in met.items() if is_met and condition in applicable_to_call(call)]


def met_kink(call: FunctionCall) -> bool:
    """Whether the gradient of a call was judged, and is at a kink."""
    report = call.cache.get("gradient")
    return isinstance(report, Report) and report.kinks > 0
