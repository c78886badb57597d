"""Graphviz makes pictures of DOT text, and is named where it is missing."""

import os
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.graph import Graph
from minigrad.viz import render, rendering, to_dot


def expression() -> Graph:
    x, y = mg.Tensor(3.0, requires_grad=True), mg.Tensor(4.0, requires_grad=True)
    return Graph.of((x + y) ** 2, names={"x": x, "y": y})


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dot = to_dot(expression())
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(mg.MissingExtraError, match=r"the program dot.*minigrad\[graph\]"):
        render(dot, tmp_path / "g.svg")
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(mg.MissingExtraError, match=r"drawing a graph needs graphviz"):
        to_dot(expression())


@pytest.mark.parametrize(
    ("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_suffix_decides_the_format(suffix: str, magic: bytes, tmp_path: Path) -> None:
    assert render(to_dot(expression()), tmp_path / f"g.{suffix}").read_bytes().startswith(magic)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(mg.UsageError, match=r"as svg, png, pdf, dot, not as 'g.bmp'"):
        render(to_dot(expression()), tmp_path / "g.bmp")


def test_warning_about_newer_font_settings_is_left_out_and_all_else_comes_through(capfd: pytest.CaptureFixture) -> None:
    with rendering._without_font_warnings():
        os.write(2, b'Fontconfig warning: "/usr/share/a.conf", line 6: unknown element "reset-dirs"\n')
        os.write(2, b"Error: syntax error in line 1\nFontconfig error: no fonts\n")
    assert capfd.readouterr().err == "Error: syntax error in line 1\nFontconfig error: no fonts\n"


def test_nothing_is_written_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    for kind in ("svg", "png"):
        render(to_dot(expression()), tmp_path / f"g.{kind}")
    assert capfd.readouterr().err == ""
