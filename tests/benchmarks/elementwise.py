"""Elementwise functions, forward and backward: microseconds beside a peer's, their ratios, the mean and the worst.

Each side is a process of its own. For each function and size they take turns, so that what the machine does meanwhile
hits them alike; a figure is the least of all turns, since everything else on the machine only adds. The mean of ratios
is the geometric one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.benchmarks.chains import CHAINS
from tests.benchmarks.sides import ask, start

FUNCTIONS = (
    "relu", "leaky_relu", "elu", "selu", "celu", "softplus", "logsigmoid", "sigmoid", "tanh", "silu", "mish", "gelu",
    "gelu_tanh", "hardswish", "softsign", "exp", "expm1", "log", "log1p", "sqrt", "square", "abs", "erf", "reciprocal",
    "add", "multiply", "divide", "maximum", "bias", "softmax", "log_softmax", "layer_norm", "chain",
)  # fmt: skip
MORE_FUNCTIONS = (
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "hypot", "sinh", "cosh", "asinh", "acosh", "atanh", "exp2",
    "log2", "log10", "pow", "remainder",
)  # fmt: skip
POSITIVE = {"log", "log1p", "sqrt", "reciprocal", "divide", "log2", "log10", "pow", "remainder"}
BINARY = {"add", "multiply", "divide", "maximum", "atan2", "hypot", "pow", "remainder"}
UNIT = {"asin", "acos", "atanh"}
SIZES = (4096, 32768, 131072, 1048576)
ROW = 256
LEAST_RUNS = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    every = (*FUNCTIONS, *MORE_FUNCTIONS)
    parser.add_argument("--functions", nargs="+", default=FUNCTIONS, choices=every, help="default: all up to chain")
    parser.add_argument("--chains", action="store_const", dest="functions", const=tuple(CHAINS),
                        help="chains of five functions in place of single ones, by minigrad.compile")  # fmt: skip
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="elements (default: %(default)s)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--peer", choices=("torch",), help="whom to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each side takes (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads of each side (default 2)")


def run(options: argparse.Namespace) -> int:
    if options.peer and not importlib.util.find_spec(options.peer):
        raise SystemExit(f"{options.peer} is not installed: pip install torch==2.13.0")
    names = ["minigrad", *([options.peer] if options.peer else [])]
    figures: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as closing:
        sides = [
            closing.enter_context(start(__spec__.name, name, str(options.threads), options.dtype)) for name in names
        ]
        for size in options.sizes:
            rows: dict[str, list[float]] = {}
            for function in options.functions:
                turns = [[ask(side, f"{function} {size}") for side in sides] for _ in range(options.rounds)]
                rows[function] = [min(times) for times in zip(*turns, strict=True)]
                if not options.json:
                    print(line(function, size, rows[function]), flush=True)
            if options.peer and not options.json:
                print(summary(size, rows), flush=True)
            figures[str(size)] = rows
    if options.json:
        print(json.dumps(figures, indent=2))
    return 0


def line(function: str, size: int, times: list[float]) -> str:
    ratio = f"{times[0] / times[1]:8.2f}" if len(times) > 1 else ""
    return f"{size:9}  {function:16}" + "".join(f"{t:10.1f} us" for t in times) + ratio


def summary(size: int, rows: dict[str, list[float]]) -> str:
    ratios = {name: times[0] / times[1] for name, times in rows.items()}
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    worst = max(ratios, key=lambda name: ratios[name])
    return f"{size:9}  geometric mean of ratios {mean:.2f}, worst {ratios[worst]:.2f} ({worst})\n"


# ---- one side, in its process ------------------------------------------------------------------------------------


def arrays(function: str, size: int, dtype: str) -> list[Any]:
    """The variables, and last the cotangent."""
    rng = np.random.default_rng(0)
    shape = (size // ROW, ROW)
    made = [rng.normal(size=shape) for _ in range(1 + (function in BINARY))]
    if function in POSITIVE:
        made = [np.abs(x) + 0.1 for x in made]
    if function in UNIT:
        made = [0.9 * np.tanh(x) for x in made]
    if function == "acosh":
        made = [np.abs(x) + 1.1 for x in made]
    if function == "bias":
        made.append(rng.normal(size=ROW))
    if function == "layer_norm":
        made += [rng.normal(size=ROW), rng.normal(size=ROW)]
    return [x.astype(dtype) for x in (*made, rng.normal(size=shape))]


def minigrad_function(name: str) -> Callable[..., Any]:
    import minigrad as mg

    if name in CHAINS:
        return partial(CHAINS[name], mg.ops)
    special: dict[str, Callable[..., Any]] = {
        "bias": lambda x, b: x + b,
        "softmax": lambda x: mg.functional.softmax(x, -1),
        "log_softmax": lambda x: mg.functional.log_softmax(x, -1),
        "layer_norm": lambda x, w, b: mg.functional.layer_norm(x, (ROW,), w, b),
        "chain": lambda x: mg.tanh(x * 2.0 + 1.0) * mg.ops.sigmoid(x),
    }
    return special.get(name) or getattr(mg.ops, name)


def torch_function(name: str) -> Callable[..., Any]:
    import torch
    from torch.nn import functional as F  # noqa: N812  # as everybody calls it

    if name in CHAINS:
        return partial(CHAINS[name], SimpleNamespace(**{**vars(torch), "silu": F.silu, "gelu": F.gelu}))
    special: dict[str, Callable[..., Any]] = {
        "bias": lambda x, b: x + b,
        "softmax": lambda x: torch.softmax(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "layer_norm": lambda x, w, b: F.layer_norm(x, (ROW,), w, b),
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
        "chain": lambda x: torch.tanh(x * 2.0 + 1.0) * torch.sigmoid(x),
    }  # fmt: skip
    return special.get(name) or getattr(F, name, None) or getattr(torch, name)


def serve(side: str, threads: int, dtype: str) -> None:
    """Answer each line with the least time of forward and backward, in microseconds."""
    import time

    if side == "minigrad":
        import minigrad as mg
        from minigrad.config import set_threads

        set_threads(threads)
        variable: Callable[[Any], Any] = lambda x: mg.Tensor(x, requires_grad=True)  # noqa: E731
        find = minigrad_function
    else:
        import torch

        torch.set_num_threads(threads)
        variable = lambda x: torch.tensor(x, requires_grad=True)  # noqa: E731
        find = torch_function
    for text in sys.stdin:
        name, size = text.split()
        *inputs, g = map(variable, arrays(name, int(size), dtype))
        step = stepping(side, name, find(name), inputs, g.detach())
        for _ in range(3):  # compiles
            step()
        best, end, runs = math.inf, time.perf_counter() + 0.1, 0
        while runs < LEAST_RUNS or time.perf_counter() < end:
            runs += 1
            for x in inputs:
                x.grad = None
            start = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - start)
        print(best * 1e6, flush=True)


def stepping(side: str, name: str, f: Callable[..., Any], inputs: list[Any], g: Any) -> Callable[[], object]:
    """What computes the function and its gradients once."""
    if side != "minigrad" or name not in CHAINS:
        return lambda: f(*inputs).backward(g)
    import minigrad as mg

    def pulled(x: Any, g: Any) -> Any:
        out, pull = mg.vjp(f, x)
        return out, pull(g)

    return partial(mg.compile(pulled), *[x.detach() for x in inputs], g)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
