"""Check before a training or a test that model, data and loss fit together."""

from __future__ import annotations

from minigrad.cli.data_registry import Samples
from minigrad.cli.parsing import shape_text
from minigrad.cli.user_code import format_error
from minigrad.data import DataLoader
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.training.evaluation import evaluation_mode
from minigrad.training.training_state import Loss, first_output, is_classification
from minigrad.typing import Shape


def check_fit(name: str, model: Module, shape: Shape, data: str, samples: Samples, loss: Loss) -> bool:
    """Run a model and its loss on two samples, unrecorded, so that a misfit is told before anything is written.

    Args:
        name: that of the model, for messages.
        model: it.
        shape: what its samples are known to look like; () if nothing is known.
        data: the name of the data, for messages.
        samples: the data.
        loss: of the model's output and the targets.

    Returns:
        Whether the outputs are scores of classes, and the targets class numbers.

    Raises:
        UsageError: the samples do not fit the model, the outputs not the classes, or both not the loss.
    """
    given = samples.format
    if shape not in ((), given.shape):
        raise UsageError(f"{name} takes samples of shape {shape_text(shape)}, and {data} has {shape_text(given.shape)}")
    *inputs, target = next(iter(DataLoader(samples.test, batch_size=2)))
    try:
        with evaluation_mode(model):
            outputs = model(*inputs)
            output = first_output(outputs)
    except Exception as error:  # whatever a user's own model may raise
        raise UsageError(
            f"{name} cannot take the samples of {data}, of shape {shape_text(given.shape)}: {format_error(error)}"
        ) from error
    classes = len(given.classes)
    if classes and output.ndim == 2 and output.shape[1] < classes:
        raise UsageError(f"{name} has {output.shape[1]} outputs, and {data} has {classes} classes")
    try:
        with evaluation_mode(model):
            value = loss(outputs, target)
        size = value.size
    except Exception as error:
        raise UsageError(
            f"the loss cannot take the outputs {output.dtype} {output.shape} of {name} and the targets {target.dtype} "
            f"{target.shape} of {data}: {format_error(error)}"
        ) from error
    if size != 1:
        raise UsageError(f"the loss must give one number, and gave {value.shape}")
    return is_classification(output.data, target.data)
