"""ONNX's own node tests, which its package makes: small models with inputs and the outputs that they should give."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.io.onnx.importer.registry import OPERATORS

SLOW_FILES = {"averagepool", "lppool", "maxpool"}
"""Making these takes seconds: they are for the intense profile. Round trips have pooling, too."""

SLOW = {"test_sce_NCd1d2d3d4d5_mean_weight_expanded"}


@dataclass
class Case:
    """One test: a model, and pairs of inputs and outputs."""

    name: str
    model: Any
    data: list[tuple[list[Any], list[Any]]]
    rtol: float
    atol: float

    @property
    def operators(self) -> set[tuple[str, str]]:
        """Domain and name of each."""
        return {("" if node.domain == "ai.onnx" else node.domain, node.op_type) for node in self.model.graph.node}

    @property
    def trains(self) -> bool:
        """Whether it is of training mode."""
        return "training" in self.name


def collected(whole: bool) -> Iterator[Case]:
    """The cases all of whose operators are there, in order."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node.__path__):
            if whole or module.name not in SLOW_FILES:
                importlib.import_module(f"onnx.backend.test.case.node.{module.name}")  # which makes its cases
    for case in node._NodeTestCases:  # collect_testcases() makes all of them
        found = Case(case.name, case.model, case.data_sets, case.rtol, case.atol)
        if found.operators <= OPERATORS.keys() and (whole or case.name not in SLOW):
            yield found


def skips() -> dict[str, str]:
    """The reasons why cases are skipped, by their names."""
    groups = tomllib.loads(Path(__file__).with_name("node_case_skips.toml").read_text("utf-8"))
    return {name: group["reason"] for group in groups.values() for name in group["cases"]}


def as_array(x: Any) -> np.ndarray:
    """A value of a case as an array, in the dtype that it has here."""
    from onnx import TensorProto, numpy_helper

    array = numpy_helper.to_array(x) if isinstance(x, TensorProto) else np.asarray(x)
    narrow = str(array.dtype)
    if narrow in ("uint4", "uint2", "int4", "int2"):
        return array.astype(np.uint8 if narrow[0] == "u" else np.int8)
    return array.astype(np.float32) if narrow.startswith(("bfloat", "float8", "float4")) else array
