"""The allowlist of equivalent mutants and excluded cells."""

import pytest

from minigrad.testing.mutation.allowlist import Allowlist


def test_every_entry_needs_a_reason(tmp_path):
    (tmp_path / "list.toml").write_text('[mutants]\n"half.*" = " "\n')
    with pytest.raises(ValueError, match="needs a reason"):
        Allowlist.read(tmp_path / "list.toml", "mutants")


def test_star_in_an_entry_stands_for_anything_and_all_else_for_itself():
    allowlist = Allowlist({"f.x: g * 2 -> [a]": "one", "h.*": "two"})
    assert allowlist.reason("f.x: g * 2 -> [a]") == "one"
    assert allowlist.reason("f.x: g * 2 -> a") is None
    assert allowlist.stale() == ["h.*"]
    assert allowlist.reason("h.y: anything [at] all") == "two"
