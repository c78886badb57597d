"""The list of what is skipped in the standard's suite has a reason a line."""

import pytest

from tests.conformance.skips import SKIPS, read_skips


def test_each_skipped_test_has_a_reason():
    skips = read_skips(SKIPS.read_text("utf-8"))
    assert skips
    assert all(len(reason.split()) > 2 for reason in skips.values())


@pytest.mark.parametrize("line", ["array_api_tests/test_a.py::f", "array_api_tests/test_a.py::f # ", "test_a # why"])
def test_a_line_without_a_reason_or_a_test_is_refused(line):
    with pytest.raises(ValueError, match="a line is a test"):
        read_skips(line)
