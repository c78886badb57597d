"""Which tests of the suite are skipped and why."""

from pathlib import Path

SKIPS = Path(__file__).with_name("skips.txt")
"""A test, or the beginning of its name, and behind ` # ` the reason, a line each."""


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
