"""Example inputs for the ops of networks: windows, padding, resampling, normalization, winners."""

import numpy as np

from tests.op_cases.case import Case, cases

GEOMETRY = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
LINEAR_TAPS = {
    "index": np.array([[0, 0, 1, 2], [0, 1, 2, 2]]),
    "weight": np.array([[1.0, 0.5, 0.25, 1.0], [0.0, 0.5, 0.75, 0.0]]),
}
SEEN = np.array([[False, False, True], [True, True, False]])  # with causal=True the first row sees nothing
PLACES = np.array([[[[-1.45, 0.6], [0.1, -0.3], [1.3, 1.1], [0.7, -2.9]]]])  # inside, outside, and far outside
TIED = np.array([[[[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]]]])

NETWORK: dict[str, list[Case]] = {
    "unfold": [
        *cases(((2, 1, 3, 3),), ((1, 2, 2, 2),), ((0, 1, 2, 2),), kernel=2),
        *cases(((1, 1, 4, 4),), kernel=(2, 2), **GEOMETRY),
        *cases(((1, 1, 3, 3),), kernel=(2, 2), stride=(2, 2), count=(2, 2)),  # the last windows hang over the edge
        *cases(((1, 1, 3, 2, 2),), kernel=(2, 1, 2), stride=(1, 2, 1), padding=(0, 0, 1)),
    ],
    "fold": [
        *cases(((2, 1, 2, 2, 2, 2),), shape=(2, 1, 3, 3)),
        *cases(((0, 1, 2, 2, 2, 2),), shape=(0, 1, 3, 3)),
        *cases(((1, 1, 2, 2, 3, 2),), shape=(1, 1, 4, 4), **GEOMETRY),
        *cases(((1, 1, 2, 1, 2, 2, 1, 3),), shape=(1, 1, 3, 2, 2), stride=(1, 2, 1), padding=(0, 0, 1)),
    ],
    "pad": [
        *cases(((2, 3),), ((0, 3),), widths=((1, 0), (2, 1))),
        *cases(((2,),), widths=((0, 2),), value=-1.5),
        *cases(((),), widths=()),
    ],
    "resample": [
        *cases(((3,),), axis=0, **LINEAR_TAPS),
        *cases(((2, 3, 2),), ((0, 3, 2),), axis=-2, **LINEAR_TAPS),
        *cases(((2, 3),), axis=-1, index=np.array([[0, 0, 2, 2, 2]]), weight=np.ones((1, 5))),
        *cases(((2, 3),), axis=0, index=np.zeros((1, 0), int), weight=np.ones((1, 0))),
    ],
    "resample_input": [
        *cases(((4,),), axis=0, size=3, **LINEAR_TAPS),
        *cases(((2, 4, 2),), ((0, 4, 2),), axis=-2, size=4, **LINEAR_TAPS),
    ],
    "grid_sample": [
        *cases(((2, 2, 3, 2), (2, 2, 1, 2)), ((0, 1, 2, 2), (0, 1, 2, 2)), ((1, 1, 2, 2, 3), (1, 1, 2, 1, 3))),
        *cases(((1, 2, 3, 3), PLACES), ((1, 1, 2, 4), PLACES), mode="bicubic"),
        *cases(((1, 1, 3, 3), PLACES), mode="bicubic", padding_mode="reflection", align_corners=True),
        *cases(((1, 1, 3, 2), PLACES), ((1, 1, 1, 1), PLACES), padding_mode="reflection"),
        *cases(((1, 1, 3, 2), PLACES), ((1, 1, 1, 1), PLACES), padding_mode="reflection", align_corners=True),
        *cases(((1, 1, 3, 2), PLACES), padding_mode="border", align_corners=True),
        *cases(((1, 1, 3, 2), PLACES), mode="nearest"),
        *cases(((1, 1, 2, 2, 3), (1, 1, 2, 1, 3)), mode="nearest", padding_mode="border"),
    ],
    "standardize": [
        *cases(((3, 2, 2), None, None), axis=(0, 2)),
        *cases(((3, 2, 2), (2, 1), (2, 1)), ((0, 2, 2), (2, 1), (2, 1)), axis=(0, 2), eps=0.1),
        *cases(((2, 4), (4,), (4,)), ((2, 4), (4,), None), axis=-1),
        *cases(((2, 2, 3), (2, 3), None), axis=(1, 2), eps=0.5),
        *cases(((2, 1, 2, 2), (1, 2, 1), (1, 2, 1)), axis=(2, 3)),
    ],
    "standardize_layer": [
        *cases(((2, 4), (4,), (4,)), ((2, 4), (4,), None), ((3, 2), None, None), axis=-1),
        *cases(((2, 2, 3), (2, 3), (2, 3)), ((0, 2, 3), (2, 3), (3,)), axis=(1, 2), eps=0.5),
    ],
    "lstm": [
        *cases(((6, 8), (2, 2), (2, 2), (8, 2), None), ((0, 4), (2, 1), (2, 1), (4, 1), None)),
        *cases(((4, 8), (2, 1), (2, 2), (8, 1), (1, 2)), sizes=(2, 1, 1)),
        *cases(((3, 8), (2, 2), (2, 2), (8, 2), None), sizes=(2, 1), reverse=True),
    ],
    "gru": [
        *cases(((4, 6), (2, 2), (6, 2), (6,)), ((0, 3), (0, 1), (3, 1), None)),
        *cases(((4, 6), (2, 2), (6, 2), None), sizes=(2, 1, 1), reverse=True),
    ],
    "rnn": [
        *cases(((4, 2), (2, 2), (2, 2))),
        *cases(((3, 2), (2, 2), (2, 2)), sizes=(2, 1), reverse=True, nonlinearity="relu"),
    ],
    "ctc_nll": [
        *cases(((3, 2, 3), np.array([[1, 2], [2, 0]]), np.array([3, 2]), np.array([2, 1]))),
        *cases(((4, 1, 2), np.array([[0, 0]]), np.array([4]), np.array([2])), blank=1),
        *cases(((2, 2, 3), np.zeros((2, 0), int), np.array([2, 0]), np.array([0, 0]))),
    ],
    "attention": [
        *cases(((2, 3), (2, 3), (2, 1), None), ((0, 2), (2, 2), (2, 1), None)),
        *cases(((2, 1, 2), (1, 2, 2), (2, 2, 1), (1, 2))),
        *cases(((3, 2), (2, 2), (2, 2), None), ((2, 2), (3, 2), (3, 1), SEEN), causal=True, scale=0.7),
        *cases(((2, 2), (3, 2), (3, 1), np.array([[-np.inf] * 3, [0.5, -np.inf, -1.0]]))),
    ],
    "max_positions": [
        *cases(((1, 2, 4, 4),), (TIED,), kernel=2),
        *cases((TIED,), kernel=2, padding=1, ceil_mode=True),
        *cases((TIED[:, :, None],), kernel=(1, 2, 2)),
    ],
    "adaptive_positions": [
        *cases(((1, 2, 4, 4),), (TIED,), size=2),
        *cases(((2, 1, 3, 5),), size=(2, 4)),
        *cases(((1, 1, 2, 3, 2),), size=(1, 2, 2)),
    ],
}  # fmt: skip
