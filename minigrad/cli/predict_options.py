"""The options of `minigrad predict`."""

from __future__ import annotations

import argparse

from minigrad.cli.explain import explain
from minigrad.cli.parsing import integer, not_negative, positive


def add_predict_options(parser: argparse.ArgumentParser) -> None:
    """Add them.

    Args:
        parser: that of the command.
    """
    explain(
        parser,
        "RUN|MODEL INPUT... [options]",
        "Images are turned as their EXIF entry says, made gray if the model knows no colors, scaled to\n"
        "cover its size and cut around their center; black and white become the training data's. Of\n"
        "sounds, the middle is taken. The probabilities are the softmax of the outputs. A model of\n"
        "tokens continues texts.",
        "examples:\n  minigrad predict runs/lenet5 seven.png --top 3\n"
        "  minigrad predict resnet18 --weights resnet18.safetensors cat.jpg\n"
        "  minigrad predict runs/gpt-small 'The gradient of' --tokens 300",
    )
    add = parser.add_argument
    add(
        "inputs", nargs="+", metavar="INPUT",
        help="PNG, JPEG, BMP, GIF, WebP, TIFF, PPM, PGM; WAV; or a folder of them; a text for a model of tokens",
    )  # fmt: skip
    add("--top", type=integer(1), default=1, metavar="N", help="classes an image (default: 1)")
    add(
        "--invert", action="store_true",
        help="exchange black and white: for dark ink on paper, where the training data is bright (default: no)",
    )  # fmt: skip
    add("--tokens", type=integer(1), default=200, metavar="N", help="texts: how many to append (default: 200)")
    add(
        "--temperature",
        type=not_negative,
        default=0.8,
        metavar="X",
        help="texts: 0 for the most probable (default: 0.8)",
    )
    add("--top-k", type=integer(1), metavar="N", help="texts: draw from so many tokens (default: all)")
    add("--top-p", type=positive, metavar="P", help="texts: draw from the most probable with this sum (default: all)")
    add("--seed", type=integer(0), default=0, metavar="N", help="texts: of what is drawn (default: 0)")
    add(
        "--tokenizer", metavar="PATH",
        help="texts: a saved tokenizer, or a folder with GPT-2's vocab.json and merges.txt (default: the model's)",
    )  # fmt: skip
