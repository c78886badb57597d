"""`minigrad export`: a model as an ONNX file."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np

from minigrad.cli.data_registry import SampleFormat
from minigrad.cli.output import Output
from minigrad.cli.parsing import shape_text
from minigrad.cli.registries import find_model, run_name
from minigrad.cli.run_loading import load_run
from minigrad.cli.user_code import format_error
from minigrad.errors import DataError, MissingExtraError, UsageError
from minigrad.io import to_onnx
from minigrad.nn import Module
from minigrad.rng import seed
from minigrad.typing import Shape


def run(arguments: argparse.Namespace) -> Output:
    """Write a model, or that of a run, as an ONNX file.

    Raises:
        UsageError, DataError, StateError, MissingExtraError: what the user can put right.
    """
    name, model, sample, metadata = _loaded(arguments.model, arguments.weights)
    shapes = arguments.input or ([(1, *sample)] if sample else None)
    if shapes is None:
        raise UsageError(f"{name} does not tell what it takes: name the shape of a batch, as in --input 1x3x32x32")
    path = Path(arguments.out or f"{run_name(Path(arguments.model).name)}.onnx")
    if path.exists() and Path(arguments.model).exists() and path.samefile(arguments.model):
        raise UsageError(f"{path} would be written over: name another file with -o")
    rng = np.random.default_rng(0)
    try:
        exported = to_onnx(
            model,
            *[find_model(name).draw(shape, rng) for shape in shapes],
            path=path,
            opset=arguments.opset,
            dynamic_batch=arguments.dynamic_batch,
            external_data=arguments.external_data,
            metadata=metadata,
        )
    except (UsageError, DataError, MissingExtraError, OSError):
        raise
    except Exception as error:  # whatever a user's own model may raise
        text = ", ".join(map(shape_text, shapes))
        raise UsageError(f"{name} cannot be exported with inputs of shape {text}: {format_error(error)}") from error
    operators = Counter(node.op_type for node in exported.graph.node)
    document = {
        "model": name,
        "file": path.as_posix(),
        "opset": arguments.opset,
        "dynamic_batch": arguments.dynamic_batch,
        "nodes": len(exported.graph.node),
        "weights": len(exported.graph.initializer),
        "operators": dict(operators.most_common()),
        "metadata": metadata,
    }

    def show() -> None:
        most = ", ".join(f"{count} {operator}" for operator, count in operators.most_common())
        print(f"{path}: {len(exported.graph.node):,} nodes ({most}), opset {arguments.opset}")

    return Output(document, show)


def _loaded(name: str, weights: str | None) -> tuple[str, Module, Shape, dict[str, str]]:
    """A model by its name, or that of a run; the shape of a sample, or (); and what the file says of it."""
    seed(0)
    if weights is None and not Path(name).is_dir():
        entry = find_model(name)
        return name, entry.make(), entry.input_shape, _metadata(name, entry.source)
    run = load_run(name, weights)
    name = run.settings.model
    metadata = _metadata(name, find_model(name).source) | _preprocessing(run.format)
    return name, run.model, run.format.shape, metadata | ({"epoch": str(run.epoch)} if run.epoch else {})


def _metadata(name: str, source: str) -> dict[str, str]:
    return {"model": name} | ({"source": source} if source else {})


def _preprocessing(known: SampleFormat) -> dict[str, str]:
    """The classes, and the values of black and white pixels, as JSON: pixel * (white - black) + black."""
    texts = {"black": json.dumps(known.low), "white": json.dumps(known.high)}
    return texts | ({"classes": json.dumps(known.classes)} if known.classes else {})
