"""A chart of the memory that a program holds while it runs: each piece as a bar, from its making to its last use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minigrad.compilation import Compiled, Program
from minigrad.compilation.memory import Life, lives, peak, placed
from minigrad.errors import UsageError
from minigrad.viz.palette import BLUE, GRAY, ORANGE, VERMILION
from minigrad.viz.plots.style import background_color, given_or_new_axes, remove_clutter, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 0.05
"""The share of the peak, and of all calls, from which on a piece has its name in it."""


def plot_program_memory(program: Program | Compiled[..., object], ax: Axes | None = None) -> Axes:
    """Plot which pieces of memory a program holds at each of its calls.

    Time goes to the right, a call a step; a bar is as high as the piece is large, as long as it is held, and has the
    name of the call that made it. Blue ones are made in the forward pass, orange ones in the backward pass. Large ones
    lie where they were planned to be in the program's arena, whose end is a gray line, and others above it. What the
    program does not make (parameters, arguments) is not drawn.

    Args:
        program: a program, such as one of `step.stages`, or a compiled function, whose newest one is drawn.
        ax: the Axes to draw on (default: new ones).

    Returns:
        The Axes.

    Raises:
        UsageError: there is no program.
        MissingExtraError: matplotlib, of the extra `plot`, is not installed.
    """
    drawn = program if isinstance(program, Program) else getattr(program, "program", None)
    if not isinstance(drawn, Program):
        raise UsageError(
            "plot_program_memory: takes a program, or a compiled function that has one: call it until it is replayed"
        )
    pieces = [life for life in lives(drawn) if life.nbytes]
    ax = given_or_new_axes(ax, 7.0, 3.6)
    most = peak(drawn)
    found = places(drawn, pieces)
    for life, place in zip(pieces, found, strict=True):
        _bar(ax, life, place, drawn, most)
    ax.axhline(most / 1e6, color=VERMILION, linewidth=1, linestyle=(0, (4, 3)))
    if drawn.arena:
        ax.axhline(drawn.arena / 1e6, color=GRAY, linewidth=1)
    ax.set_xlim(0, len(drawn.instructions) + 1)
    top = max([most, *[life.nbytes + place for life, place in zip(pieces, found, strict=True)]])
    ax.set_ylim(0, max(1.05 * top, 1) / 1e6)  # gaps between pieces may take more than the peak
    remove_clutter(ax)
    ax.set_xlabel("calls")
    ax.set_ylabel("MB")
    title(ax, f"{len(drawn.instructions)} calls, at most {most / 1e6:.3g} MB at once")
    return ax


def places(program: Program, pieces: Sequence[Life]) -> list[int]:
    """Where each piece begins, in bytes: as planned in the program's arena, and the others above that."""
    outside = [life for life in pieces if life.number not in program.places]
    above = dict(zip([life.number for life in outside], placed(outside), strict=True))
    found = program.places
    return [found[x.number] if x.number in found else program.arena + above[x.number] for x in pieces]


def _bar(ax: Axes, life: Life, place: int, program: Program, most: int) -> None:
    length, backward = life.end - life.begin + 1, program.instructions[life.begin].backward
    ax.bar(
        life.begin, life.nbytes / 1e6, length, place / 1e6, align="edge", color=ORANGE if backward else BLUE,
        alpha=0.75, edgecolor=background_color(ax), linewidth=0.6,
    )  # fmt: skip
    if life.nbytes >= NAMED * most and length >= NAMED * len(program.instructions):
        ax.annotate(
            life.name, (life.begin + length / 2, (place + life.nbytes / 2) / 1e6), ha="center", va="center", size=6,
            color=background_color(ax), clip_on=True,
        )  # fmt: skip
