"""A trial before a training or a test: whether model, data and loss fit together."""

from __future__ import annotations

from minigrad.cli.own import told
from minigrad.cli.source import Samples
from minigrad.data import DataLoader
from minigrad.errors import UsageError
from minigrad.nn import Module
from minigrad.training.evaluation import evaluation_mode
from minigrad.training.training_state import Loss, first_output, is_classification


def check_shape(name: str, shape: tuple[int, ...], data: str, samples: Samples) -> None:
    """Compare the shape of the samples with that which a model is known to take; () if nothing is known.

    Raises:
        UsageError: they differ.
    """
    if shape and shape != samples.form.shape:
        wanted, got = ("x".join(map(str, sizes)) for sizes in (shape, samples.form.shape))
        raise UsageError(f"{name} takes samples of shape {wanted}, and {data} has {got}")


def check_trial(name: str, model: Module, data: str, samples: Samples, loss: Loss) -> bool:
    """Run a model and its loss on two samples, unrecorded, so that a misfit is told before anything is written.

    Returns:
        Whether the outputs are scores of classes, and the targets class numbers.

    Raises:
        UsageError: the samples do not fit the model, the outputs not the classes, or both not the loss.
    """
    shape = "x".join(map(str, samples.form.shape))
    *inputs, target = next(iter(DataLoader(samples.test, batch_size=2)))
    try:
        with evaluation_mode(model):
            outputs = model(*inputs)
            output = first_output(outputs)
    except Exception as error:  # whatever a user's own model may raise
        raise UsageError(f"{name} cannot take the samples of {data}, of shape {shape}: {told(error)}") from error
    classes = len(samples.form.classes)
    if classes and output.ndim == 2 and output.shape[1] < classes:
        raise UsageError(f"{name} has {output.shape[1]} outputs, and {data} has {classes} classes")
    try:
        with evaluation_mode(model):
            value = loss(outputs, target)
        size = value.size
    except Exception as error:
        raise UsageError(
            f"the loss cannot take the outputs {output.dtype} {output.shape} of {name} and the targets {target.dtype} "
            f"{target.shape} of {data}: {told(error)}"
        ) from error
    if size != 1:
        raise UsageError(f"the loss must give one number, and gave {value.shape}")
    return is_classification(output.data, target.data)
