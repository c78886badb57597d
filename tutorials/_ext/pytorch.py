"""PyTorch's names beside minigrad's, read off the tables that error messages are made of."""

from __future__ import annotations

from typing import Final

from minigrad import pytorch_names
from minigrad.pytorch_names import module_table, tensor_table

TABLES: Final = {
    "tensor": (tensor_table.ROWS, pytorch_names.FUNCTIONS),
    "module": (module_table.MODULE,),
    "torch": (module_table.TORCH,),
    "nn": (module_table.NN,),
    "functional": (module_table.FUNCTIONAL,),
    "optim": (module_table.OPTIM,),
}

TABLE = """\
:::{{table}}
:widths: 30 38 32
| PyTorch | minigrad | remark |
|---|---|---|
{rows}
:::"""


def table(name: str) -> str:
    """A table of PyTorch's code and ours.

    >>> table("functional").splitlines()[4]
    '| `F.upsample(image, scale_factor=n)` | `F.interpolate(image, scale_factor=n)` |  |'
    """
    found = [row for text in TABLES[name] for row in pytorch_names.rows(text).values()]
    return TABLE.format(rows="\n".join(_row(*row) for row in found))


def _row(theirs: str, ours: str, *remark: str) -> str:
    code = "" if ours == "-" else f"`{ours}`"
    cells = [f"`{theirs}`", code, "; ".join(remark)]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
