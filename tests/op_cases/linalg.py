"""Rows of example inputs for the ops of linear algebra."""

import numpy as np

from tests.op_cases.case import Case, cases

SQUARE = [((3, 3),), ((2, 2, 2),), ((1, 1),), ((0, 0),), ((2, 0, 3, 3),)]
RECTANGLES = [((3, 3),), ((2, 3, 2),), ((2, 3),), ((4, 1),), ((0, 2),)]
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])

STORED = (np.array([2.0, 1.0, -3.0]), np.array([1, 0, 2]), np.array([0, 1, 3]))  # ((0, 2, 0), (1, 0, -3))

LINALG: dict[str, list[Case]] = {
    "inv": cases(*SQUARE),
    "solve": cases(((3, 3), (3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((2, 2), (2, 0)), ((0, 0), (0, 2))),
    "det": cases(*SQUARE, (SINGULAR,), (np.stack([SINGULAR, np.eye(3)]),), (np.zeros((2, 2)),)),
    "slogdet": cases(*SQUARE),
    "pinv": cases(*RECTANGLES[:4]),
    "matrix_rank": cases(*RECTANGLES, (SINGULAR,)),
    "matrix_exp": cases(*SQUARE, (8 * SINGULAR,), (np.zeros((2, 2)),)),
    "solve_triangular": [
        *cases(((3, 3), (3, 2)), ((2, 1, 2, 2), (3, 2, 1)), ((2, 2), (2, 0)), ((0, 0), (0, 2))),
        *cases(((3, 3), (3, 2)), upper=True),
    ],
    "eig": cases(*SQUARE),
    "lu": [*cases(*RECTANGLES), *cases(((3, 3),), ((2, 3),), pivot=False)],
    "sparse_matmul": [
        *cases(((3, 2),), ((2, 3, 1),), ((0, 3, 2),), rows=STORED, shape=(2, 3)),
        *cases(((2, 2),), rows=STORED, shape=(2, 3), transposed=True),
    ],
    "cholesky": [*cases(*SQUARE), *cases(((3, 3),), upper=True)],
    "eigh": cases(*SQUARE),
    "svd": [*cases(*RECTANGLES, full_matrices=False), *cases(((3, 3),), full_matrices=True)],
    "qr": [*cases(*RECTANGLES), *cases(((2, 3, 3),), ((2, 3),), mode="complete")],
    "vector_norm": [
        *cases(((2, 3),), ((),)),
        *cases(((2, 3, 2),), axis=(0, -1), keepdims=True),
        *cases(((2, 3),), ((0, 2),), axis=-1, ord=3),
        *cases(((2, 3),), axis=0, ord=1.5),
        *cases(((4,),), ord=-2),
        *cases(((4,),), ord=0.5),
        *cases((np.array([0.0, 3.0, 4.0]),), ord=2),
    ],
    "diagonal": [
        *cases(((3, 3),), ((2, 2, 3),)),
        *cases(((3, 4),), offset=2),
        *cases(((2, 3, 2),), ((0, 2),), offset=-1),
    ],
    "diagonal_matrix": [
        *cases(((2,),), offset=0, shape=(2, 3)),
        *cases(((2, 2),), offset=-1, shape=(2, 3, 2)),
        *cases(((1,),), offset=2, shape=(3, 3)),
    ],
    "einsum": [
        *cases(((2, 3), (3, 2)), subscripts="ij,jk->ik"),
        *cases(((2, 2),), subscripts="ii"),
        *cases(((3, 3),), subscripts="ii->i"),
        *cases(((2, 2, 2),), subscripts="iii->i"),
        *cases(((2, 2, 3),), subscripts="iia->ia"),
        *cases(((2, 3),), subscripts="ij->"),
        *cases(((2, 3),), subscripts="ji"),
        *cases(((2, 1, 3), (2, 3, 2)), subscripts="...ij,...jk"),
        *cases(((2, 3), (3,)), subscripts="...i,...i->..."),
        *cases(((2,), (2,), (2, 3)), subscripts="i,i,ij->j"),
        *cases(((2, 2), (2,)), subscripts="ii,i->i"),
        *cases(((1, 3), (2, 3)), subscripts="ij,ij->j"),
        *cases(((2,), (3,)), subscripts="i,j->ji"),
        *cases(((0, 2), (2, 3)), subscripts="ij,jk->ik"),
        *cases(((), (2,)), subscripts=",i->i"),
    ],
}
