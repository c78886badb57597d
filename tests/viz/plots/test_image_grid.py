"""Grids of images: each image is in its cell, and few cells are empty."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.viz.plots.image_grid import cell_corner, grid_columns, image_grid


@given(
    count=st.integers(1, 12), columns=st.integers(1, 5), gap=st.integers(0, 3), over=st.integers(0, 3),
    colors=st.sampled_from([(), (3,)]),
)  # fmt: skip
def test_every_picture_of_a_sheet_is_in_its_place_and_the_rest_is_empty(count, columns, gap, over, colors):
    pictures = [np.full((3, 2, *colors), i + 1.0) for i in range(count)]
    drawn = image_grid(pictures, columns, gap, over)
    for i, one in enumerate(pictures):
        top, left = cell_corner(i, min(columns, count), (3, 2), gap, over)
        cell = drawn[top : top + 3, left : left + 2]
        assert (cell[..., :3] == one).all() if colors else (cell == one).all()
    filled = drawn[..., 3] > 0 if colors else ~np.isnan(drawn)
    assert filled.sum() == count * 6


def test_a_sheet_is_wider_than_high_but_not_by_much():
    for count in range(1, 600):
        columns = grid_columns(count)
        rows = -(-count // columns)
        assert rows <= columns <= 3 * rows + 2


@given(rows=st.integers(1, 30), more=st.floats(0, 0.6))
def test_what_fills_a_sheet_leaves_no_gap(rows, more):
    columns = int(rows * (1 + more))
    assert (rows * columns) % grid_columns(rows * columns) == 0
