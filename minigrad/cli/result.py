"""What a finished training leaves behind: pictures in its folder, and a summary on the screen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from minigrad.data import ArrayDataset
from minigrad.errors import MinigradError, MissingExtraError
from minigrad.nn import Module
from minigrad.tensor import Tensor
from minigrad.training import History, confusion_matrix, predict, predictions
from minigrad.training.state import Loss


def write_pictures(folder: Path, model: Module, loss: Loss, history: History, test: ArrayDataset) -> list[str]:
    """Draw curves.png, confusion.png and graph.svg; give a note for each that could not be drawn.

    The training is done and saved: a picture that fails for want of a package must not look like a failure of it.
    """

    def draw_curves(path: Path) -> None:
        from minigrad.viz.plot import save_curves

        save_curves(history, path)

    def draw_confusion(path: Path) -> None:
        from minigrad.viz.plot import save_confusion

        outputs, targets = predict(model, test)
        names = test.classes or tuple(map(str, range(outputs.shape[1])))
        save_confusion(confusion_matrix(predictions(outputs), targets, len(names)), names, path)

    def draw_graph(path: Path) -> None:
        from minigrad.viz import draw

        images, labels = test[:1]
        image = Tensor(images, requires_grad=True)  # so that it is part of the graph, and of its picture
        draw(loss(model.eval()(image), Tensor(labels)), path, model=model, names={"image": image})

    pictures = {"curves.png": draw_curves, "confusion.png": draw_confusion, "graph.svg": draw_graph}
    return [note for name, draw in pictures.items() if (note := _try_to_draw(draw, folder / name))]


def _try_to_draw(draw: Callable[[Path], None], path: Path) -> str:
    try:
        draw(path)
    except MissingExtraError as error:
        return f"{path.name} was not drawn: {error}"
    except (MinigradError, OSError) as error:
        return f"{path.name} was not drawn: {type(error).__name__}: {error}"
    return ""


def show_result(name: str, folder: Path, model: Module, history: History, notes: list[str]) -> None:
    """Print what came out, where it is, and what can be done with it."""
    last = history.last
    checkpoint = (folder / "checkpoint.safetensors").as_posix()
    rows = [
        ("test accuracy", f"{last['test_accuracy']:.2%}"),
        ("test loss", f"{last['test_loss']:.4f}"),
        ("train accuracy", f"{last['accuracy']:.2%}, the mean over the last epoch"),
        ("parameters", f"{sum(parameter.size for parameter in model.parameters()):,}"),
        ("training", f"{len(history)} epochs in {sum(history['seconds']):.1f} s"),
        ("files", f"{folder}/: " + ", ".join(sorted(path.name for path in folder.iterdir()))),
        *(("note", note) for note in notes),
        ("next", f"see {folder / 'curves.png'} and {folder / 'graph.svg'}; or use the weights in Python:"),
        ("", "import models"),
        ("", "from minigrad.training import load_checkpoint"),
        ("", f'model = models.create("{name}")'),
        ("", f'model.load_state_dict(load_checkpoint("{checkpoint}").model)'),
    ]
    if sys.stdout.isatty() and find_spec("rich") is not None:
        _show_table(name, rows)
    else:
        print("\n".join(["", *(f"{label:15} {text}" for label, text in rows)]))


def _show_table(name: str, rows: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")  # what is to be pasted must not be cut
    for label, text in rows:
        table.add_row(Text(label, style="bold" if label.startswith("test") else "dim"), Text(text))
    Console().print(Panel(table, title=name, title_align="left", expand=False))
