"""`minigrad graph`: draw the computation graph of a model or function."""

from __future__ import annotations

import argparse
import inspect
import webbrowser
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from minigrad.cli.data_registry import DATA_REGISTRY, load_samples
from minigrad.cli.onnx_files import sample_inputs
from minigrad.cli.output import Output
from minigrad.cli.parsing import shape_text
from minigrad.cli.registries import find_model, make_loss, run_name
from minigrad.cli.run_loading import load_model
from minigrad.cli.spec import Spec
from minigrad.cli.user_code import format_error, import_callable, is_import_path
from minigrad.data import DataLoader
from minigrad.errors import MinigradError, UsageError
from minigrad.graph import Graph
from minigrad.nn import Module
from minigrad.rng import seed
from minigrad.typing import Array, ArrayLike, Function, Shape
from minigrad.viz import Picture
from minigrad.viz.picture import FORMATS
from minigrad.viz.picture import graph as draw

SAMPLES: Final = 8
"""How many samples of `--data` are looked at."""


@dataclass(frozen=True)
class Drawing:
    """What is drawing.

    Attributes:
        name: what it is called.
        function: it: a model, a loss of one, or a function of Tensors.
        inputs: what the function is called with.
        model: the one whose modules are shown; None for a function of Tensors.
    """

    name: str
    function: Function
    inputs: tuple[ArrayLike, ...]
    model: Module | None


def run(arguments: argparse.Namespace) -> Output:
    """Draw the computation graph of a model or function into a file.

    Raises:
        UsageError, DataError, StateError, MissingExtraError: what the user can put right.
    """
    path = Path(arguments.out or f"{run_name(Path(arguments.model).name)}.svg")
    if path.suffix.removeprefix(".") not in FORMATS:
        raise UsageError(f"--out: a graph can be written as {', '.join(FORMATS)}, not as {path.name!r}")
    drawing = _drawing(arguments)
    try:
        picture = draw(
            drawing.function,
            *drawing.inputs,
            model=drawing.model,
            direction="both" if arguments.both else "backward" if arguments.backward else "forward",
            depth=arguments.depth,
            repeats=arguments.repeats,
            color_by=arguments.color_by,
            across=arguments.across,
            title=drawing.name,
        )
    except Exception as error:  # whatever a user's own model may raise
        shapes = ", ".join(shape_text(np.shape(x)) for x in drawing.inputs)
        raise UsageError(
            f"{drawing.name} cannot be drawn with inputs of shape {shapes}: {format_error(error)}"
        ) from error
    try:
        picture.save(path)
    except (MinigradError, OSError):
        raise
    except Exception as error:  # of a rule of the user's own, in the backward pass
        raise UsageError(f"{drawing.name} cannot be drawn: {format_error(error)}") from error
    if arguments.open:
        webbrowser.open(path.resolve().as_uri())
    return _output(drawing.name, picture, path)


def _output(name: str, picture: Picture, path: Path) -> Output:
    graph = picture.graph
    document: dict[str, object] = {
        "model": name,
        "file": path.as_posix(),
        "nodes": len(graph),
        "edges": len(graph.edges),
        "modules": len(graph.calls),
        "boxes": len(picture.view.items),
    }
    column = picture.measure("verdict") if picture.color_by == "verdict" else None
    verdicts = Counter(map(str, column.amounts.values())) if column is not None else {}
    wrong = [(_place(graph, i), column.notes[i]) for i, x in column.amounts.items() if x == "wrong"] if column else []
    if column is not None:
        document |= {"verdicts": dict(verdicts), "wrong": [{"op": op, "found": note} for op, note in wrong]}

    def show() -> None:
        print(f"{path}: {len(graph):,} nodes in {len(graph.calls):,} modules")
        if verdicts:
            print("derivatives: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
        for op, note in wrong:
            print(f"{op} is {note}")

    return Output(document, show)


def _place(graph: Graph, number: int) -> str:
    """An op with its module and its line, as far as these are known."""
    node = graph.nodes[number]
    path = graph.calls[node.call].path if node.call is not None else ""
    line = f" ({Path(node.site[0]).name}, line {node.site[1]})" if node.site is not None else ""
    return node.name + (f" in {path}" if path else "") + line


def _drawing(arguments: argparse.Namespace) -> Drawing:
    if arguments.data is not None and arguments.input:
        raise UsageError("--data brings the inputs: leave out --input")
    seed(0)
    name = arguments.model
    if is_import_path(name) and _is_function_of_inputs(function := import_callable(name, positional=None)):
        if arguments.data is not None:
            raise UsageError(f"{name} is a function of Tensors: name their shapes with --input, not --data")
        if not arguments.input:
            raise UsageError(f"{name} is a function of Tensors: name the shape of each with --input, as in --input 2x3")
        return Drawing(name, function, _random(arguments.input), None)
    known_name, model, shape = load_model(name)
    if arguments.data is not None:
        return _with_data(name, model.train(), shape, arguments.data)
    if not arguments.input and not shape:
        raise UsageError(f"{name} does not tell what it takes: name the shape of a batch, as in --input 1x3x32x32")
    shapes, known, rng = arguments.input or [(1, *shape)], find_model(known_name), np.random.default_rng(0)
    inputs = sample_inputs(name, model, shapes) or tuple([known.draw(sizes, rng) for sizes in shapes])
    return Drawing(name, model.eval(), inputs, model)


def _is_function_of_inputs(function: Function) -> bool:
    """Whether it is a function to be drawn, not one that makes a model: it has to be given something."""
    if isinstance(function, type) and issubclass(function, Module):
        return False
    parameters = inspect.signature(function).parameters.values()
    return any(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _random(shapes: Sequence[Shape]) -> tuple[Array, ...]:
    rng = np.random.default_rng(0)
    return tuple(rng.random(shape, np.float32) for shape in shapes)


def _with_data(name: str, model: Module, shape: Shape, chosen: Spec) -> Drawing:
    """The loss on the first samples of the training data, in training mode."""
    samples = load_samples(DATA_REGISTRY.resolve(chosen, Spec()), shape)
    *inputs, target = next(iter(DataLoader(samples.train, batch_size=SAMPLES)))
    loss = make_loss(None, model)
    return Drawing(name, lambda *xs: loss(model(*xs), target), tuple(inputs), model)
