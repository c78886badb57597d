"""PyTorch's names beside minigrad's, read off the tables that error messages are made of."""

from __future__ import annotations

from typing import Final

from minigrad import pytorch_names
from minigrad.pytorch_names import module_table, tensor_table

TABLES: Final = {
    "tensor": tensor_table.ROWS + pytorch_names.FUNCTIONS,
    "module": module_table.MODULE,
    "torch": module_table.TORCH,
    "nn": module_table.NN,
    "functional": module_table.FUNCTIONAL,
    "optim": module_table.OPTIM,
    "schedule": module_table.SCHEDULE,
    "init": module_table.INIT,
    "utils": module_table.UTILS,
}

ABSENT: Final = {
    "methods of a Tensor": tensor_table.ABSENT,
    "`torch`": module_table.TORCH_ABSENT,
    "methods of a module": module_table.MODULE_ABSENT,
    "`torch.nn`": module_table.NN_ABSENT,
    "`torch.nn.functional`": module_table.FUNCTIONAL_ABSENT,
    "`torch.optim`": module_table.OPTIM_ABSENT,
    "`torch.optim.lr_scheduler`": module_table.SCHEDULE_ABSENT,
    "`torch.nn.init`": module_table.INIT_ABSENT,
    "`torch.nn.utils`": module_table.UTILS_ABSENT,
}

TABLE = """\
:::{{table}}
:widths: 30 38 32
| PyTorch | minigrad | remark |
|---|---|---|
{rows}
:::"""


def text(name: str) -> str:
    """A table of PyTorch's code and ours; `imports`: of modules; `absent`: lists of what has no counterpart here.

    >>> text("functional").splitlines()[4]
    '| `F.upsample(image, scale_factor=n)` | `F.interpolate(image, scale_factor=n)` |  |'
    """
    if name == "absent":
        return "\n".join(
            f"- {where}: {', '.join(f'`{one}`' for one in names.split())}" for where, names in ABSENT.items()
        )
    if name == "imports":
        found = [
            [f"import {theirs.replace('minigrad', 'torch', 1)}", ours] for theirs, ours in module_table.IMPORTS.items()
        ]
    else:
        found = list(pytorch_names.rows(TABLES[name]).values())
    return TABLE.format(rows="\n".join(_row(*row) for row in found))


def _row(theirs: str, ours: str, *remark: str) -> str:
    code = "" if ours == "-" else f"`{ours}`"
    cells = [f"`{theirs}`", code, "; ".join(remark)]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
