"""What the command line accepts."""

from __future__ import annotations

import argparse
from textwrap import fill
from typing import Any, Final, NoReturn

from minigrad_models import MODELS

from minigrad.cli.catalog import LOSSES, OPTIMIZERS
from minigrad.cli.source import SOURCES
from minigrad.cli.value import integer, shape
from minigrad.cli.wish import parser_of
from minigrad.config import available_threads
from minigrad.errors import UsageError
from minigrad.optim.schedule import SCHEDULES
from minigrad.viz.measure import COLOR_BY

LATEST = ""  # the value of --resume without a folder
SMALL: Final = tuple(name for name, entry in MODELS.items() if entry.small)
SHELLS: Final = ("bash", "zsh", "fish")
MEASURE_NAMES: Final = tuple(name.replace("_", "-") for name in COLOR_BY)

WORDS: Final = {
    "MODEL": tuple(MODELS),
    "MODEL|RUN": tuple(MODELS),
    "DATA": tuple(SOURCES),
    "OPTIMIZER": tuple(OPTIMIZERS),
    "SCHEDULE": tuple(SCHEDULES),
    "LOSS": tuple(LOSSES),
    "MEASURE": MEASURE_NAMES,
    "SHELL": SHELLS,
}
"""The words that a shell can complete, by what they stand for in the help. All else are numbers and files."""

EXIT_CODES: Final = """\
exit codes: 0 done; 2 something to put right, told in one line; 130 stopped by Ctrl-C, and saved;
1 a fault of the program, with a traceback. With --json, standard output is one JSON document,
{"error": ...} where something is to be put right."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave the wording, and the exit, to `main`."""
        raise UsageError(message.removeprefix("argument "))


class _Compact(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=20, width=110)


class _Version(argparse.Action):
    """Prints the version. It is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print("minigrad", version("minigrad"))
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The parser of `minigrad COMMAND ...`."""
    about = "Train small networks, and see what they do."
    parser = _Parser(
        prog="minigrad", description=about, epilog=EXIT_CODES, formatter_class=_Compact, allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_add_train, _add_resume, _add_evaluate, _add_predict, _add_summary, _add_graph, _add_completion):
        add(commands)
    return parser


def _command(commands: Any, name: str, usage: str, about: str, more: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=f"minigrad {name} {usage}",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.\n{more}",
        epilog=examples,
        formatter_class=_Compact,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document (default: text)")
    return parser


def _add_train(commands: Any) -> None:
    parser = _command(
        commands,
        "train",
        "[MODEL] [options]",
        "train a model; its weights, curves and pictures go to a run folder",
        "MODEL is a name of `minigrad summary`, or package.module:callable of your own. Ctrl-C stops and saves.\n"
        "Settings follow names: sgd:momentum=0.9,nesterov=true; step:gamma=0.5; digits:size=16.",
        fill("small models: " + ", ".join(SMALL), 110, subsequent_indent="  ", break_on_hyphens=False)
        + "; `minigrad summary` lists all\nexamples:\n"
        "  minigrad train lenet5 --optimizer adam --lr 0.002 --out runs/adam\n"
        "  minigrad train net:Net --data photos/ --config run.toml",
    )
    add = parser.add_argument
    add("model", nargs="?", metavar="MODEL", help="what to train")
    add("--config", metavar="FILE", help="TOML with these options as keys; options are stronger (default: none)")
    _add_data(parser, "what to train on (default: digits)")
    add("--weights", metavar="FILE", help="safetensors or .npz to begin with (default: fresh weights)")
    add(
        "--loss",
        type=parser_of("loss"),
        metavar="LOSS",
        help="by its name in minigrad.functional (default: the model's own, or cross_entropy)",
    )
    _add_epochs(parser, "how often to go through the data (default: the model's recipe)")
    add("--batch-size", type=parser_of("batch_size"), metavar="N", help="samples a step (default: the recipe)")
    add("--lr", type=parser_of("lr"), metavar="X", help="learning rate (default: the recipe, or the optimizer's)")
    add(
        "--optimizer", type=parser_of("optimizer"), metavar="OPTIMIZER",
        help=f"{', '.join(OPTIMIZERS)} (default: the recipe)",
    )  # fmt: skip
    add(
        "--schedule", type=parser_of("schedule"), metavar="SCHEDULE",
        help=f"of the learning rate: {', '.join(SCHEDULES)} (default: the recipe)",
    )  # fmt: skip
    add(
        "--augment", type=parser_of("augment"), metavar="MOTIONS",
        help="none, or degrees=10,translate=0.1,scale=[0.9,1.1] (default: the recipe)",
    )  # fmt: skip
    add("--accumulate", type=parser_of("accumulate"), metavar="N", help="batches a step (default: 1)")
    add("--clip-norm", type=parser_of("clip_norm"), metavar="X", help="largest norm of the gradients (default: none)")
    add("--seed", type=parser_of("seed"), metavar="N", help="of weights, order and motions (default: 0)")
    _add_threads(parser)
    add("--out", metavar="DIR", help="the run folder (default: runs/MODEL, or runs/MODEL-2 ...)")
    add(
        "--all-small", action="store_true",
        help="train all small models by their recipes, and tell what they reach (default: MODEL)",
    )  # fmt: skip
    add("--seeds", type=integer(1), default=3, metavar="N", help="with --all-small: runs a network (default: 3)")
    add(
        "--resume", nargs="?", const=LATEST, metavar="RUN",
        help="as `minigrad resume RUN`; without RUN the latest one of MODEL (default: a new run)",
    )  # fmt: skip


def _add_resume(commands: Any) -> None:
    parser = _command(
        commands,
        "resume",
        "RUN [options]",
        "go on with a training exactly where it stopped",
        "The settings are those of the run; it ends bit for bit as if it had not been interrupted.",
        "example:\n  minigrad resume runs/lenet5",
    )
    parser.add_argument("run", metavar="RUN", help="the run folder")
    _add_epochs(parser, "more of them, if the schedule does not depend on their number (default: as begun)")


def _add_evaluate(commands: Any) -> None:
    parser = _command(
        commands,
        "evaluate",
        "RUN|MODEL [options]",
        "tell how good a trained model is on test data",
        "The loss; for classes the accuracy, and precision, recall and F1 of each; else the errors.",
        "example:\n  minigrad evaluate runs/lenet5 --json",
    )
    _add_trained(parser)
    _add_data(parser, "whose test part to use (default: what the run was trained on)")
    _add_threads(parser)


def _add_predict(commands: Any) -> None:
    parser = _command(
        commands,
        "predict",
        "RUN|MODEL IMAGE... [options]",
        "tell the classes of image files",
        "Images are turned as their EXIF entry says, made gray if the model knows no colors, scaled to\n"
        "cover its size and cut around their center; black and white become the training data's. The\n"
        "probabilities are the softmax of the outputs.",
        "examples:\n  minigrad predict runs/lenet5 seven.png --top 3\n"
        "  minigrad predict resnet18 --weights resnet18.safetensors cat.jpg",
    )
    _add_trained(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG, BMP, GIF, WebP, TIFF, PPM or PGM")
    parser.add_argument("--top", type=integer(1), default=1, metavar="N", help="classes an image (default: 1)")
    parser.add_argument(
        "--invert", action="store_true",
        help="exchange black and white: for dark ink on paper, where the training data is bright (default: no)",
    )  # fmt: skip
    _add_threads(parser)


def _add_trained(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the folder of a run; with --weights a model")
    parser.add_argument("--weights", metavar="FILE", help="safetensors or .npz for MODEL (default: those of the run)")


def _add_summary(commands: Any) -> None:
    parser = _command(
        commands,
        "summary",
        "[MODEL|RUN] [options]",
        "show the layers of a model: shapes, parameters, multiply-adds, memory",
        "Of a model by its name, of package.module:callable of your own, or of the model of a run;\n"
        "without one, a list of the models, with their recipes.",
        "example:\n  minigrad summary lenet5 --input 64x1x32x32",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL|RUN", help="a model, or the folder of a run")
    parser.add_argument(
        "--input", type=shape, metavar="SIZES", help="NxCxHxW of a batch (default: one sample, if its shape is known)"
    )  # fmt: skip


def _add_graph(commands: Any) -> None:
    parser = _command(
        commands,
        "graph",
        "MODEL|RUN [options]",
        "draw the computation graph of a model or function",
        "MODEL is a name of `minigrad summary`, or package.module:callable of your own: a class or function that\n"
        "makes a model, or a function of Tensors. FILE ends in .svg, .png, .pdf, .dot, .json, or .html: a page to\n"
        "walk through, with values, gradients and source lines.",
        "examples:\n"
        "  minigrad graph lenet5 --data digits -o lenet5.html --open\n"
        "  minigrad graph resnet152 --depth 2 --repeats -o resnet152.svg\n"
        "  minigrad graph ops:swish --input 2x3 --color-by verdict -o swish.svg",
    )
    add = parser.add_argument
    add("model", metavar="MODEL|RUN", help="a model, the folder of a run, or a function")
    add("-o", "--out", metavar="FILE", help="where to (default: MODEL.svg)")
    add(
        "--input", type=shape, action="append", metavar="SIZES",
        help="NxCxHxW of random numbers, once for each input (default: one sample, if its shape is known)",
    )  # fmt: skip
    _add_data(parser, "draw the loss on 8 samples of it, in training mode (default: the outputs, in evaluation mode)")
    add("--depth", type=integer(0), metavar="N", help="fold modules inside of N others (default: fold none)")
    add("--repeats", action="store_true", help='draw equal blocks in a row once, with "× 3" (default: draw each)')
    add(
        "--color-by", choices=MEASURE_NAMES, default="kind", metavar="MEASURE",
        help=f"{', '.join(MEASURE_NAMES)} (default: kind)",
    )  # fmt: skip
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument("--backward", action="store_true", help="draw the backward pass (default: forward)")
    direction.add_argument("--both", action="store_true", help="draw both passes (default: forward)")
    add("--across", action="store_true", help="draw from left to right (default: downward)")
    add("--open", action="store_true", help="show the file in the browser (default: no)")


def _add_completion(commands: Any) -> None:
    parser = _command(
        commands,
        "completion",
        "SHELL [options]",
        "print a script that completes this command in a shell",
        "Put it where your shell looks for completions, or source it at start.",
        "examples:\n"
        '  eval "$(minigrad completion bash)"                      in ~/.bashrc\n'
        '  eval "$(minigrad completion zsh)"                       in ~/.zshrc, after compinit\n'
        "  minigrad completion fish > ~/.config/fish/completions/minigrad.fish",
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _add_data(parser: argparse.ArgumentParser, about: str) -> None:
    names = ", ".join(SOURCES)
    parser.add_argument(
        "--data", type=parser_of("data"), metavar="DATA",
        help=f"{names}; a folder of images; package.module:callable: {about}",
    )  # fmt: skip


def _add_epochs(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--epochs", type=parser_of("epochs"), metavar="N", help=about)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    about = f"of BLAS and of the kernels (default: all available, here {available_threads()})"
    parser.add_argument("--threads", type=parser_of("threads"), metavar="N", help=about)
