"""The table of costs as text and as HTML."""

from minigrad_models.lenet import LeNet5

from minigrad import nn
from minigrad.cost import summary


def test_text_has_a_line_for_each_module_and_the_totals():
    text = str(summary(LeNet5(), (1, 1, 32, 32)))
    lines = text.splitlines()
    assert lines[0].split() == [
        "Layer",
        "Input",
        "Output",
        "Parameters",
        "Trainable",
        "Mult-adds",
        "Forward",
        "Backward",
    ]
    assert next(line for line in lines if line.startswith("    3 Conv2d")).split()[2:] == [
        "1x6x14x14", "1x16x10x10", "2,416", "2,416", "240,000", "6.40", "kB", "16.06", "kB",
    ]  # fmt: skip
    assert "Parameters:  61,706 (246.82 kB)" in lines


def test_html_is_escaped():
    class Odd(nn.Identity):
        pass

    Odd.__name__ = "<script>"
    html = summary(Odd(), (1, 2))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") == 2
