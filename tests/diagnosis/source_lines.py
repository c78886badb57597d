"""Lines of a test's own source, found by a mark in a comment."""

import sys
from pathlib import Path


def line_of(mark: str) -> int:
    """The number of the only line of the caller's file that ends with `# <- mark`."""
    source = Path(sys._getframe(1).f_code.co_filename).read_text().splitlines()
    found = [i for i, line in enumerate(source, 1) if line.endswith(f"# <- {mark}")]
    assert len(found) == 1, f"{len(found)} lines end with the mark {mark!r}"
    return found[0]
