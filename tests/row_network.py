"""Example inputs for the ops of networks: windows, padding, resampling, normalization, winners. `row.py` joins them."""

import numpy as np

from tests.row_kind import Row, rows

GEOMETRY = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
LINEAR_TAPS = {
    "index": np.array([[0, 0, 1, 2], [0, 1, 2, 2]]),
    "weight": np.array([[1.0, 0.5, 0.25, 1.0], [0.0, 0.5, 0.75, 0.0]]),
}
TIED = np.array([[[[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]]]])

NETWORK: dict[str, list[Row]] = {
    "windows": [
        *rows(((2, 1, 3, 3),), ((1, 2, 2, 2),), ((0, 1, 2, 2),), kernel=2),
        *rows(((1, 1, 4, 4),), kernel=(2, 2), **GEOMETRY),
        *rows(((1, 1, 3, 3),), kernel=(2, 2), stride=(2, 2), count=(2, 2)),  # the last windows hang over the edge
    ],
    "fold_windows": [
        *rows(((2, 1, 2, 2, 2, 2),), shape=(2, 1, 3, 3)),
        *rows(((0, 1, 2, 2, 2, 2),), shape=(0, 1, 3, 3)),
        *rows(((1, 1, 2, 2, 3, 2),), shape=(1, 1, 4, 4), **GEOMETRY),
    ],
    "pad": [
        *rows(((2, 3),), ((0, 3),), widths=((1, 0), (2, 1))),
        *rows(((2,),), widths=((0, 2),), value=-1.5),
        *rows(((),), widths=()),
    ],
    "resample": [
        *rows(((3,),), axis=0, **LINEAR_TAPS),
        *rows(((2, 3, 2),), ((0, 3, 2),), axis=-2, **LINEAR_TAPS),
        *rows(((2, 3),), axis=-1, index=np.array([[0, 0, 2, 2, 2]]), weight=np.ones((1, 5))),
        *rows(((2, 3),), axis=0, index=np.zeros((1, 0), int), weight=np.ones((1, 0))),
    ],
    "resample_input": [
        *rows(((4,),), axis=0, size=3, **LINEAR_TAPS),
        *rows(((2, 4, 2),), ((0, 4, 2),), axis=-2, size=4, **LINEAR_TAPS),
    ],
    "standardize": [
        *rows(((3, 2, 2), None, None), axis=(0, 2)),
        *rows(((3, 2, 2), (2, 1), (2, 1)), ((0, 2, 2), (2, 1), (2, 1)), axis=(0, 2), eps=0.1),
        *rows(((2, 4), (4,), (4,)), ((2, 4), (4,), None), axis=-1),
        *rows(((2, 2, 3), (2, 3), None), axis=(1, 2), eps=0.5),
        *rows(((2, 1, 2, 2), (1, 2, 1), (1, 2, 1)), axis=(2, 3)),
    ],
    "max_positions": [*rows(((1, 2, 4, 4),), (TIED,), kernel=2), *rows((TIED,), kernel=2, padding=1, ceil_mode=True)],
    "adaptive_positions": [*rows(((1, 2, 4, 4),), (TIED,), size=2), *rows(((2, 1, 3, 5),), size=(2, 4))],
}  # fmt: skip
