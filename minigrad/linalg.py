"""Linear algebra under one name: the Array API's `linalg` extension, and what PyTorch and NumPy have beside it.

What they have and this has not:

    PyTorch or NumPy                                 here
    cholesky_ex, inv_ex, solve_ex, lu_factor_ex      cholesky, inv, solve: what has no result raises an error
    ldl_factor, ldl_factor_ex, ldl_solve             solve; eigh and cholesky decompose symmetric matrices
"""

from minigrad.ops import (
    cholesky,
    cross,
    det,
    diagonal,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    inv,
    lstsq,
    matmul,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    matrix_transpose,
    multi_dot,
    norm,
    outer,
    pinv,
    qr,
    slogdet,
    solve,
    solve_triangular,
    svd,
    svdvals,
    tensordot,
    tensorinv,
    tensorsolve,
    trace,
    vecdot,
    vector_norm,
)
from minigrad.ops.lu_decomposition import lu, lu_factor, lu_solve
from minigrad.ops.matrix_products import cond, vander
from minigrad.pytorch_names.keywords import explained as _explained

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "householder_product", "inv",
    "lstsq", "lu", "lu_factor", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
    "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vander", "vecdot", "vector_norm",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__


globals().update(_explained(globals(), __all__))
