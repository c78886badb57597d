"""Which tests of the suite are skipped and why, and what has to be changed in it."""

from pathlib import Path

SKIPS = Path(__file__).with_name("skips.txt")
"""A test, or the beginning of its name, and behind ` # ` the reason, a line each."""

WIDEST_COMPLEX = "[(dt, dtype_nbits[dt]) for dt in complex_dtypes], key=lambda x: x[1]"


def read_skips(text: str) -> dict[str, str]:
    """The reason for each test that is skipped.

    Raises:
        ValueError: a line has no reason, or names no test of the suite.
    """
    found = {}
    for line in text.splitlines():
        test, separator, reason = line.partition(" # ")
        if not line or line.startswith("#"):
            continue
        if not separator or not reason.strip() or not test.startswith("array_api_tests/"):
            raise ValueError(f"a line is a test of array_api_tests/, ` # ` and a reason, not {line!r}")
        found[test.strip()] = reason.strip()
    return found


def without_complex(source: str) -> str:
    """The suite's `dtype_helpers.py` for libraries without complex dtypes, at whose import it fails.

    Raises:
        ValueError: the suite has changed, and the place is not there.
    """
    if source.count(WIDEST_COMPLEX) != 1:
        raise ValueError(f"the suite has changed: dtype_helpers.py does not contain {WIDEST_COMPLEX!r} once")
    return source.replace(WIDEST_COMPLEX, f"{WIDEST_COMPLEX}, default=(None, 0)")
