"""Rows of example inputs for the parts of complex numbers and for Fourier transforms."""

from tests.op_cases.case import Case, cases

UNARY = [((2, 3),), ((),), ((0, 2),)]


def transforms(*axes: tuple[int, ...]) -> list[Case]:
    rows = [*cases(((4,),), ((5,),), ((1,),), axes=(0,), norm="ortho"), *cases(((2, 0),), axes=(0,), norm="backward")]
    return rows + [Case(((3, 2, 2),), {"axes": each, "norm": "forward"}) for each in axes]


COMPLEX: dict[str, list[Case]] = {
    **{name: cases(*UNARY) for name in ("real", "imag", "conj")},
    "from_parts": cases(((2, 3), (2, 3)), ((2, 1), (3,)), ((), (2, 2)), ((0, 2), (2,))),
    "fft": transforms((0, 2), (1,), ()),
    "ifft": transforms((0, 2), (1,), ()),
    "rfft": [
        *cases(((4,),), ((5,),), ((1,),), axis=0, norm="ortho"),
        *cases(((2, 3),), axis=1, norm="forward"),
        *cases(((2, 0),), ((3, 2),), axis=0, norm="backward"),
    ],
    "irfft": [
        *cases(((3,),), ((3, 2),), ((3, 0),), axis=0, n=4, norm="ortho"),
        *cases(((2, 3),), axis=1, n=5, norm="forward"),
        *cases(((1,),), axis=0, n=1, norm="backward"),
        *cases(((2,),), axis=0, n=2, norm="backward"),
    ],
}
