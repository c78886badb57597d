"""Random outputs and targets for the tests of metrics."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def scores_and_classes(draw, classes=None):
    """Scores with many ties, and class numbers."""
    classes = classes or draw(st.integers(1, 5))
    samples = draw(st.integers(1, 25))
    scores = draw(hnp.arrays(np.float32, (samples, classes), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
    return scores, draw(hnp.arrays(np.int64, samples, elements=st.integers(0, classes - 1)))


pairs = hnp.array_shapes(min_dims=1, max_dims=3, max_side=5).flatmap(
    lambda shape: hnp.arrays(np.float64, (2, *shape), elements=st.floats(-100, 100, width=16))
)
