"""The table of a model's costs: a row for each module, and totals, as data, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from minigrad.shapes import Shape


@dataclass
class SummaryRow:
    """The costs of one module, without those of its submodules, which have rows of their own: columns add up.

    Attributes:
        path: its attribute path; "" for the model itself.
        kind: the name of its class.
        depth: the number of modules that it lies in.
        input_shapes, output_shapes: the shapes in its first call; None for a module that was not called.
        parameters: the number of its parameters' elements; shared parameters count where they occur first.
        trainable: how many of these require gradients.
        mult_adds: the multiply-adds of the products, in all its calls.
        forward: the size of the values that it computes, in bytes.
        backward: the size of the gradients of these values and of its parameters, in bytes.
        calls: the number of its calls.
    """

    path: str
    kind: str
    depth: int
    input_shapes: tuple[Shape, ...] | None = None
    output_shapes: tuple[Shape, ...] | None = None
    parameters: int = 0
    trainable: int = 0
    mult_adds: int = 0
    forward: int = 0
    backward: int = 0
    calls: int = 0


HEAD = ("Layer", "Input", "Output", "Parameters", "Trainable", "Mult-adds", "Forward", "Backward")


@dataclass(frozen=True)
class Summary:
    """The costs of a model: print it, show it in a notebook, or read its rows.

    Attributes:
        rows: one for each module, in the order of the tree.
        parameter_bytes, input_bytes: the sizes of all parameters and of the inputs, in bytes.
        uncounted: the ops, with their layers, whose multiply-adds are not in the table because a size is not known,
            and the layers that ran under `no_grad`.
    """

    rows: tuple[SummaryRow, ...]
    parameter_bytes: int
    input_bytes: int
    uncounted: tuple[str, ...] = field(default=())

    def total(self, column: str) -> int:
        """The sum of a column.

        Args:
            column: "parameters", "trainable", "mult_adds", "forward" or "backward".

        Raises:
            AttributeError: there is no such column.
        """
        return sum(getattr(row, column) for row in self.rows)

    def _cells(self) -> list[tuple[str, ...]]:
        numbers = ("parameters", "trainable", "mult_adds")
        return [
            (
                "  " * row.depth + f"{row.path.rpartition('.')[2]} {row.kind}".strip(),
                *[_shapes_text(shapes) for shapes in (row.input_shapes, row.output_shapes)],
                *[f"{getattr(row, name):,}" if getattr(row, name) else "-" for name in numbers],
                *[_bytes_text(n) if n else "-" for n in (row.forward, row.backward)],
            )
            for row in self.rows
        ]

    def _totals(self) -> list[tuple[str, str]]:
        frozen = self.total("parameters") - self.total("trainable")
        totals = [
            ("Parameters", f"{self.total('parameters'):,} ({_bytes_text(self.parameter_bytes)})"),
            ("Trainable", f"{self.total('trainable'):,}" + (f" ({frozen:,} are frozen)" if frozen else "")),
            ("Mult-adds", f"{self.total('mult_adds'):,}"),
            ("Input", _bytes_text(self.input_bytes)),
            ("Forward", _bytes_text(self.total("forward"))),
            ("Backward", _bytes_text(self.total("backward"))),
        ]
        return totals + ([("Not counted", ", ".join(self.uncounted))] if self.uncounted else [])

    def __str__(self) -> str:
        table = [HEAD, *self._cells()]
        widths = [max(len(row[k]) for row in table) for k in range(len(HEAD))]
        lines = ["  ".join(map(_aligned, row, widths, range(len(HEAD)))) for row in table]
        rule = "-" * max(map(len, lines))
        totals = [f"{name + ':':<13}{value}" for name, value in self._totals()]
        return "\n".join([lines[0].rstrip(), rule, *[line.rstrip() for line in lines[1:]], rule, *totals])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        head = "".join([f"<th>{escape(name)}</th>" for name in HEAD])
        body = "".join(
            [
                "<tr>"
                + f'<td style="text-align:left;padding-left:{1 + row.depth}em">{escape(cells[0].strip())}</td>'
                + "".join([f"<td>{escape(cell)}</td>" for cell in cells[1:]])
                + "</tr>"
                for row, cells in zip(self.rows, self._cells(), strict=True)
            ]
        )
        totals = "<br>".join([f"{escape(name)}: {escape(value)}" for name, value in self._totals()])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{totals}</p>"


def _aligned(cell: str, width: int, column: int) -> str:
    """Words to the left, numbers to the right."""
    return cell.ljust(width) if column < 3 else cell.rjust(width)


def _shapes_text(shapes: tuple[Shape, ...] | None) -> str:
    return "-" if shapes is None else " ".join(["x".join(map(str, shape)) or "()" for shape in shapes])


def _bytes_text(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"
