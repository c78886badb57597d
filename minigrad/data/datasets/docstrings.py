"""A text that is free and always there: the docstrings of minigrad itself."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from minigrad.data.dataset import ArrayDataset
from minigrad.data.tokenizer import CharacterTokenizer, Tokenizer
from minigrad.errors import DataError

PRINTABLE: Final = "\n" + "".join(map(chr, range(ord(" "), ord("~") + 1)))
"""The printable characters of ASCII, and the end of a line."""

PACKAGE: Final = Path(__file__).parents[2]


def docstrings(
    size: int = 128, tokenizer: Tokenizer | None = None, stride: int | None = None, test_fraction: float = 0.1
) -> tuple[ArrayDataset, ArrayDataset]:
    """Pieces of minigrad's own documentation, each to be continued: the target of a token is the one behind it.

    The text is that of the installed version (see `docstring_text`), under minigrad's license. Every so many docstrings
    one is for testing: both parts tell of all of the library.

    Args:
        size: T, tokens of a piece (default 128).
        tokenizer: makes the tokens (default None: one by characters, which knows the printable ones of ASCII).
        stride: from the beginning of a piece to that of the next, in tokens (default None: size).
        test_fraction: the share of the docstrings of the test part, between 0 and 1 (default 0.1).

    Returns:
        `(train, test)`, each with inputs int64 (N, T) and targets int64 (N, T).

    Raises:
        DataError: an argument is out of range, or so large that a part has no piece.

    >>> train, test = docstrings()
    >>> inputs, targets = train[0]
    >>> inputs.shape, bool((inputs[1:] == targets[:-1]).all())
    ((128,), True)
    """
    step = size if stride is None else stride
    if size < 1 or step < 1 or not 0 < test_fraction < 1:
        raise DataError(
            f"docstrings: needs size and stride of at least 1 and a test_fraction between 0 and 1, got size={size}, "
            f"stride={step} and test_fraction={test_fraction}."
        )
    texts = _docstrings()
    place = np.floor(np.arange(len(texts) + 1) * test_fraction)
    chosen = np.diff(place) > 0
    tokenizer = tokenizer or CharacterTokenizer(PRINTABLE)
    train, test = (
        _pieces("\n\n".join([text for text, take in zip(texts, part, strict=True) if take]), tokenizer, size, step)
        for part in (~chosen, chosen)
    )
    return train, test


def docstring_text() -> str:
    """The docstrings of all modules, classes and functions of minigrad, file by file: its documentation as one text.

    Returns:
        About half a million characters.

    >>> "vector-Jacobian product" in docstring_text()
    True
    """
    return "\n\n".join(_docstrings())


@cache
def _docstrings() -> tuple[str, ...]:
    """Each docstring, in the order of the files' names; within a file, those further outside first."""
    found: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py"), key=lambda path: path.relative_to(PACKAGE).as_posix()):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
                found.append(text)
    return tuple(found)


def _pieces(text: str, tokenizer: Tokenizer, size: int, stride: int) -> ArrayDataset:
    ids: NDArray[np.int64] = tokenizer.encode(text)
    if len(ids) <= size:
        raise DataError(f"docstrings: a part has {len(ids)} tokens, too few for a piece of {size}. Use size=128.")
    windows = sliding_window_view(ids, size + 1)[::stride]
    return ArrayDataset(windows[:, :-1].copy(), windows[:, 1:].copy())
