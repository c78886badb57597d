"""The same numbers, otherwise in memory."""

import numpy as np
from hypothesis import strategies as st

LAYOUTS = {
    "dense": lambda x: x.copy(),
    "transposed": lambda x: np.asfortranarray(x),
    "channels last": lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "reversed": lambda x: x[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1],
    "every second": lambda x: np.repeat(x, 2, axis=3)[:, :, :, ::2],
    "read-only": lambda x: np.broadcast_to(x.copy(), x.shape),
}

layouts = st.sampled_from(sorted(LAYOUTS))


def relaid(x, layout):
    return LAYOUTS[layout](x) if x.ndim == 4 else x


def integers(rng, shape, dtype=np.float64):
    """Small whole numbers: sums of products of them are exact in any order."""
    return rng.integers(-4, 5, size=shape).astype(dtype)
