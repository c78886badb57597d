"""The results of a finished training: pictures in its folder, and a summary on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from minigrad import Tensor
from minigrad.cli.onnx_files import is_onnx_file
from minigrad.cli.output import Output, show_rows
from minigrad.cli.user_code import is_import_path
from minigrad.data import DataLoader, Dataset
from minigrad.errors import MinigradError, MissingExtraError
from minigrad.nn import Module
from minigrad.training import History, confusion_matrix, predict, predictions
from minigrad.training.training_state import Loss


def write_pictures(
    folder: Path, model: Module, loss: Loss, history: History, test: Dataset, classes: Sequence[str]
) -> list[str]:
    """Draw curves.png, confusion.png where there are classes, and graph.svg.

    The training is done and saved: a picture that fails for want of a package must not look like a failure of it.

    Args:
        folder: where to.
        model: what was trained.
        loss: by what.
        history: how it went.
        test: the test data.
        classes: the names of its classes; () where they have none.

    Returns:
        A note for each that was not drawn.
    """

    def draw_curves(path: Path) -> None:
        from minigrad.viz.plots.training_curves import save_curves

        save_curves(history, path)

    def draw_confusion(path: Path) -> None:
        from minigrad.viz.plots.confusion import save_confusion

        outputs, targets = predict(model, test)
        names = tuple(classes) or tuple(map(str, range(outputs.shape[1])))
        save_confusion(confusion_matrix(predictions(outputs), targets, len(names)), names, path)

    def draw_graph(path: Path) -> None:
        from minigrad.viz import graph

        *inputs, target = next(iter(DataLoader(test, batch_size=1)))
        first = inputs[0]
        image = Tensor(first.data, requires_grad=first.dtype.kind == "f")  # as a variable it is in the picture
        graph(loss(model.eval()(image, *inputs[1:]), target), model=model, names={"image": image}).save(path)

    pictures = {"curves.png": draw_curves, "confusion.png": draw_confusion, "graph.svg": draw_graph}
    if "test_accuracy" not in history.last:
        del pictures["confusion.png"]
    return [note for name, draw in pictures.items() if (note := _try_to_draw(draw, folder / name))]


def _try_to_draw(draw: Callable[[Path], None], path: Path) -> str:
    try:
        draw(path)
    except MissingExtraError as error:
        return f"{path.name} was not drawn: {error}"
    except (MinigradError, OSError) as error:
        return f"{path.name} was not drawn: {type(error).__name__}: {error}"
    return ""


def result_output(name: str, folder: Path, model: Module, history: History, notes: list[str]) -> Output:
    """Tell what came out, where it is, and what can be done with it.

    Args:
        name: that of the model.
        folder: that of the run.
        model: what was trained.
        history: how it went.
        notes: what else the user should know.
    """
    parameters = sum(parameter.size for parameter in model.parameters())
    files = sorted(path.name for path in folder.iterdir())
    document = {
        "status": "finished",
        "run": folder.as_posix(),
        "model": name,
        "parameters": parameters,
        "epochs": len(history),
        "seconds": sum(history["seconds"]),
        "last": history.last,
        "files": files,
        "notes": notes,
    }
    last, rows = history.last, list[tuple[str, str]]()
    if "test_accuracy" in last:
        rows += [("test accuracy", f"{last['test_accuracy']:.2%}")]
    rows += [("test loss", f"{last['test_loss']:.4f}")]
    if "accuracy" in last:
        rows += [("train accuracy", f"{last['accuracy']:.2%}, the mean over the last epoch")]
    rows += [
        ("parameters", f"{parameters:,}"),
        ("training", f"{len(history)} epochs in {sum(history['seconds']):.1f} s"),
        ("files", f"{folder}/: " + ", ".join(files)),
        *(("note", note) for note in notes),
        ("next", f"see {folder / 'curves.png'} and {folder / 'graph.svg'}; or use the weights in Python:"),
        *(("", line) for line in _python(name, folder)),
    ]
    return Output(document, lambda: show_rows(name, rows))


def _python(model: str, folder: Path) -> list[str]:
    module, _, name = model.partition(":")
    if is_onnx_file(model):
        lines = ["from minigrad.io import from_onnx", f'model = from_onnx("{model}")']
    elif is_import_path(model):
        lines = [f"from {module} import {name.partition('.')[0]}", f"model = {name}()"]
    else:
        lines = ["import minigrad_models", f'model = minigrad_models.create("{model}")']
    return [
        lines[0],
        "from minigrad.training import load_checkpoint",
        lines[1],
        f'model.load_state_dict(load_checkpoint("{(folder / "checkpoint.safetensors").as_posix()}").model)',
    ]
