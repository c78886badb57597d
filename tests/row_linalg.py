"""Rows of example inputs for the ops of linear algebra."""

import numpy as np

from tests.row_kind import Row, rows

SQUARE = [((3, 3),), ((2, 2, 2),), ((1, 1),), ((0, 0),), ((2, 0, 3, 3),)]
RECTANGLES = [((3, 3),), ((2, 3, 2),), ((2, 3),), ((4, 1),), ((0, 2),)]
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])

LINALG: dict[str, list[Row]] = {
    "inv": rows(*SQUARE),
    "solve": rows(((3, 3), (3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((2, 2), (2, 0)), ((0, 0), (0, 2))),
    "det": rows(*SQUARE, (SINGULAR,), (np.stack([SINGULAR, np.eye(3)]),), (np.zeros((2, 2)),)),
    "slogdet": rows(*SQUARE),
    "pinv": rows(*RECTANGLES[:4]),
    "matrix_rank": rows(*RECTANGLES, (SINGULAR,)),
    "cholesky": [*rows(*SQUARE), *rows(((3, 3),), upper=True)],
    "eigh": rows(*SQUARE),
    "svd": [*rows(*RECTANGLES, full_matrices=False), *rows(((3, 3),), full_matrices=True)],
    "qr": [*rows(*RECTANGLES), *rows(((2, 3, 3),), ((2, 3),), mode="complete")],
    "vector_norm": [
        *rows(((2, 3),), ((),)),
        *rows(((2, 3, 2),), axis=(0, -1), keepdims=True),
        *rows(((2, 3),), ((0, 2),), axis=-1, ord=3),
        *rows(((2, 3),), axis=0, ord=1.5),
        *rows(((4,),), ord=-2),
        *rows(((4,),), ord=0.5),
        *rows((np.array([0.0, 3.0, 4.0]),), ord=2),
    ],
    "diagonal": [*rows(((3, 3),), ((2, 2, 3),)), *rows(((3, 4),), offset=2), *rows(((2, 3, 2),), ((0, 2),), offset=-1)],
    "diagonal_matrix": [
        *rows(((2,),), offset=0, shape=(2, 3)),
        *rows(((2, 2),), offset=-1, shape=(2, 3, 2)),
        *rows(((1,),), offset=2, shape=(3, 3)),
    ],
    "einsum": [
        *rows(((2, 3), (3, 2)), subscripts="ij,jk->ik"),
        *rows(((2, 2),), subscripts="ii"),
        *rows(((3, 3),), subscripts="ii->i"),
        *rows(((2, 2, 2),), subscripts="iii->i"),
        *rows(((2, 2, 3),), subscripts="iia->ia"),
        *rows(((2, 3),), subscripts="ij->"),
        *rows(((2, 3),), subscripts="ji"),
        *rows(((2, 1, 3), (2, 3, 2)), subscripts="...ij,...jk"),
        *rows(((2, 3), (3,)), subscripts="...i,...i->..."),
        *rows(((2,), (2,), (2, 3)), subscripts="i,i,ij->j"),
        *rows(((2, 2), (2,)), subscripts="ii,i->i"),
        *rows(((1, 3), (2, 3)), subscripts="ij,ij->j"),
        *rows(((2,), (3,)), subscripts="i,j->ji"),
        *rows(((0, 2), (2, 3)), subscripts="ij,jk->ik"),
        *rows(((), (2,)), subscripts=",i->i"),
    ],
}
