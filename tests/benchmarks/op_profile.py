"""Where a training step's time goes: each op forward, and each of its rules, by shapes, beside this machine's roofs.

    python -m tests.benchmarks steps --models resnet20 --profile

Of each call the quickest in a few steps counts, so that other programs disturb little. Operations are those of the
op's `flops` function, twice the multiply-adds, for each rule as many as forward. Bytes are those of all inputs and of
the result, each once: the least that must be read and written. The roofs are measured here: a product of matrices, and
a copy of an array beyond the cache. A convolution above the first saves operations, as Winograd's does; an op above the
second finds its inputs in the cache.

What is no op (the optimizer, the engine between two calls, adding up gradients) is in the row "other".
"""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

from minigrad.autograd.node import STATE, override_state
from minigrad.autograd.op import Op
from tests.benchmarks.worker import minigrad_step

STEPS, WARM_UP = 7, 2

Call = tuple[str, str, str, int, int]
"""An op, "forward" or the input of a rule, shapes, operations, bytes."""


@dataclass
class Row:
    """Calls of one kind in a step."""

    op: str
    direction: str
    shapes: str
    calls: int = 0
    seconds: float = 0.0
    operations: int = 0
    bytes: int = 0


def call(op: Op, direction: str, inputs: Any, settings: dict[str, Any], out: Any) -> Call:
    """What a call of an op is about."""
    arrays = [x for x in inputs if hasattr(x, "nbytes")]
    parts = out if isinstance(out, tuple) else (out,)
    size = sum(x.nbytes for x in arrays) + sum(x.nbytes for x in parts if hasattr(x, "nbytes"))
    known = {f"{name}_shape": np.shape(x) for name, x in zip(op.inputs, inputs, strict=False)}
    known |= {"out_shape": np.shape(parts[0]), **settings}
    count = 0
    if op.flops is not None and not op.variadic:
        count = 2 * int(op.flops(**{name: known[name] for name in inspect.signature(op.flops).parameters}))
    shapes = ", ".join("x".join(map(str, x.shape)) or "scalar" for x in arrays)
    stride = settings.get("stride")
    shapes += f" / {stride[0]}" if isinstance(stride, tuple) and max(stride) > 1 else ""
    return op.name, direction, shapes, count, size


@contextmanager
def timed_calls() -> Iterator[list[tuple[Call, float]]]:
    """The calls of ops and rules inside of this block, each with the seconds since the one before."""
    calls: list[tuple[Call, float]] = []
    forward: dict[Any, Call] = {}
    record, last = STATE.recorder, perf_counter()
    assert record is not None

    def add(found: Call, seconds: float) -> None:
        nonlocal last
        calls.append((found, seconds))
        last = perf_counter()

    def recorder(plan: Any, parents: Any, values: Any, settings: dict[str, Any], out: Any) -> Any:
        seconds = perf_counter() - last
        result = record(plan, parents, values, settings, out)
        inputs = values[0] if plan.op.variadic and values else values[: len(parents)]
        forward[result.node] = call(plan.op, "forward", inputs, settings, out)
        add(forward[result.node], seconds)
        return result

    def watcher(op: Op, inputs: Any, settings: dict[str, Any], out: Any) -> None:
        add(call(op, "forward", inputs, settings, out), perf_counter() - last)

    def gradient_watcher(node: Any, position: int, cotangent: Any) -> None:
        seconds = perf_counter() - last
        if node in forward:
            name = node.plan.op.inputs[0 if node.plan.op.variadic else position]
            op, _, *rest = forward[node]
            add((op, f"to {name}", *rest), seconds)  # type: ignore[arg-type]  # the rest is known to fit

    with override_state(recorder=recorder, watcher=watcher, gradient_watcher=gradient_watcher):
        yield calls


def profile(step: Callable[[], object], steps: int = STEPS) -> list[Row]:
    """The rows of a step, slowest first.

    Raises:
        RuntimeError: not all steps call the same ops.
    """
    for _ in range(WARM_UP):
        step()
    runs, other = [], math.inf
    for _ in range(steps):
        start = perf_counter()
        with timed_calls() as calls:
            step()
        other = min(other, perf_counter() - start - sum(seconds for _, seconds in calls))
        runs.append(calls)
    kinds = [[found for found, _ in run] for run in runs]
    if any(found != kinds[0] for found in kinds):
        raise RuntimeError("the steps are not alike: the ops that they call differ")
    rows: dict[tuple[str, str, str], Row] = {}
    for k, (op, direction, shapes, operations, size) in enumerate(kinds[0]):
        row = rows.setdefault((op, direction, shapes), Row(op, direction, shapes))
        row.calls += 1
        row.seconds += min(run[k][1] for run in runs)
        row.operations += operations
        row.bytes += size
    rows["other", "", ""] = Row("other", "", "", 1, max(0.0, other))
    return sorted(rows.values(), key=lambda row: -row.seconds)


def roofs() -> tuple[float, float]:
    """Operations per second of a product of matrices in single precision, and bytes per second of a copy."""
    x, y = np.ones((2, 768, 768), np.float32)
    z, big, copy = np.empty_like(x), np.ones(1 << 24, np.float32), np.ones(1 << 24, np.float32)
    product, moved = math.inf, math.inf
    for _ in range(20):
        start = perf_counter()
        np.matmul(x, y, out=z)
        middle = perf_counter()
        np.copyto(copy, big)
        product, moved = min(product, middle - start), min(moved, perf_counter() - middle)
    return 2 * len(x) ** 3 / product, 2 * big.nbytes / moved


def table(rows: list[Row], limits: tuple[float, float]) -> Iterator[str]:
    """Lines: the roofs, each op's share, and each kind of call."""
    total = sum(row.seconds for row in rows)
    flops, bandwidth = limits[0] / 1e9, limits[1] / 1e9
    yield f"a step {total * 1e3:.1f} ms; roofs: {flops:.0f} GFLOP/s (sgemm), {bandwidth:.1f} GB/s (copy)"
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        shares[row.op, row.direction and ("forward" if row.direction == "forward" else "backward")] += row.seconds
    for (op, way), seconds in sorted(shares.items(), key=lambda share: -share[1]):
        yield f"{op:22}{way:9}{seconds * 1e3:9.2f} ms{seconds / total:7.1%}"
    yield ""
    yield f"{'op':34}{'ms':>9}{'share':>8}{'calls':>6}{'GFLOP/s':>9}{'roof':>6}{'GB/s':>7}{'roof':>6}  shapes / stride"
    for row in rows:
        seconds = max(row.seconds, 1e-9)
        rates = row.operations / seconds, row.bytes / seconds
        cells = f"{rates[0] / 1e9:9.1f}{rates[0] / limits[0]:6.0%}" if row.operations else f"{'':15}"
        cells += f"{rates[1] / 1e9:7.1f}{rates[1] / limits[1]:6.0%}" if row.bytes else f"{'':13}"
        yield (f"{row.op:22}{row.direction:12}{row.seconds * 1e3:9.2f}{row.seconds / total:8.1%}{row.calls:6}{cells}"
               f"  {row.shapes}")  # fmt: skip


def main(model: str, threads: str, form: str) -> None:
    """Profile one network; the form is "table" or "json"."""
    rows = profile(minigrad_step(model, int(threads)))
    limits = roofs()
    if form == "json":
        print(json.dumps({"flops": limits[0], "bandwidth": limits[1], "rows": [*map(asdict, rows)]}))
    else:
        print(f"{model}: ", end="")
        print(*table(rows, limits), sep="\n", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
