"""What the command line accepts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from textwrap import fill
from typing import Final, NoReturn

from minigrad.cli.data_options import add_data_options
from minigrad.cli.data_registry import DATA_REGISTRY
from minigrad.cli.explain import explain
from minigrad.cli.overrides import PARSERS
from minigrad.cli.parsing import integer, shape
from minigrad.cli.predict_options import add_predict_options
from minigrad.cli.registries import MODEL_REGISTRY, OPTIMIZER_REGISTRY, REGISTRIES, SCHEDULE_REGISTRY
from minigrad.cli.sweep_options import add_sweep
from minigrad.config import available_threads
from minigrad.errors import UsageError

LATEST: Final = ""
"""The value of --resume without a folder."""

SHELLS: Final = ("bash", "zsh", "fish")

THREADS: Final = "of BLAS and of the kernels (default: {})"

EXIT_CODES: Final = """\
exit codes: 0 done; 2 something to put right, told in one line; 130 stopped by Ctrl-C, 143 by
SIGTERM, and saved; 1 a fault of the program, with a traceback. With --json, standard output is one JSON document,
{"error": ...} where something is to be put right."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave the wording, and the exit, to `main`."""
        raise UsageError(message.removeprefix("argument "))


class _Compact(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=25, width=110)


class _Version(argparse.Action):
    """Prints the version. It is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print("minigrad", version("minigrad"))
        parser.exit()


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Make the parser of `minigrad COMMAND ...`.

    Args:
        command: the only one whose options are wanted, which saves importing what the help of the others names; None
            (default) for all.
    """
    about = "Train small networks, and see what they do."
    parser = _Parser(
        prog="minigrad", description=about, epilog=EXIT_CODES, formatter_class=_Compact, allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (about, add_options) in COMMANDS.items():
        added = commands.add_parser(name, help=about, formatter_class=_Compact, allow_abbrev=False)
        added.description = f"{about[0].upper()}{about[1:]}."
        added.add_argument("--json", action="store_true", help="print one JSON document (default: text)")
        if command in (None, name):
            add_options(added)
    return parser


def known_words() -> dict[str, tuple[str, ...]]:
    """The words that a shell can complete, by what they stand for in the help. All else are numbers and files."""
    models = tuple(MODEL_REGISTRY.entries)
    chosen = {key.upper(): tuple(registry.entries) for key, registry in REGISTRIES.items()}
    return {**chosen, "MODEL": models, "MODEL|RUN": models, "MEASURE": _measures(), "SHELL": SHELLS}


def _measures() -> tuple[str, ...]:
    from minigrad.viz.quantities import COLOR_BY  # only where they are needed: it imports all of viz

    return tuple(name.replace("_", "-") for name in COLOR_BY)


def _add_train(parser: argparse.ArgumentParser) -> None:
    small = [name for name, entry in MODEL_REGISTRY.entries.items() if entry.small]
    explain(
        parser,
        "[MODEL] [options]",
        "MODEL is a name of `minigrad summary`, or package.module:callable of your own. Ctrl-C stops and saves.\n"
        "Settings follow names: sgd:momentum=0.9,nesterov=true; step:gamma=0.5; digits:size=16.",
        fill(
            f"small models: {', '.join(small)}; `minigrad summary` lists all",
            118,
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        + "\nexamples:\n"
        "  minigrad train lenet5 --optimizer adam --lr 0.002 --out runs/adam\n"
        "  mpiexec -n 4 minigrad train net:Net --data photos/ --config run.toml   (on 4 ranks: extra mpi)",
    )
    add = parser.add_argument
    add("model", nargs="?", metavar="MODEL", help="what to train: a model, or an .onnx file")
    add("--config", metavar="FILE", help="TOML with these options as keys; options are stronger (default: none)")
    _add_data(parser, " (default: digits)")
    for key, metavar, about in (
        ("weights", "FILE", "safetensors or .npz to begin with (default: fresh weights)"),
        ("loss", "LOSS", "by its name in minigrad.functional (default: the model's own, or cross_entropy)"),
        ("epochs", "N", "how often to go through the data (default: the model's recipe)"),
        ("batch_size", "N", "samples a step (default: the recipe)"),
        ("lr", "X", "learning rate (default: the recipe, or the optimizer's)"),
        ("optimizer", "OPTIMIZER", f"{', '.join(OPTIMIZER_REGISTRY.entries)} (default: recipe)"),
        ("schedule", "SCHEDULE", f"of the learning rate: {', '.join(SCHEDULE_REGISTRY.entries)} (default: the recipe)"),
        ("augment", "MOTIONS", "none, or degrees=10,translate=0.1,scale=[0.9,1.1] (default: the recipe)"),
        ("accumulate", "N", "batches a step (default: 1)"),
        ("clip_norm", "X", "largest norm of the gradients (default: none)"),
        ("workers", "N", "processes that read the data (default: 0, read between steps)"),
        ("seed", "N", "of weights, order and motions (default: 0)"),
        ("threads", "N", THREADS.format(f"one for each idle processor, of {available_threads()}")),
        ("out", "DIR", "the run folder (default: runs/MODEL, or runs/MODEL-2 ...)"),
    ):
        _add_override(parser, key, metavar, about)
    add("--compile", action="store_const", const=True, help="capture and replay passes, within rounding (default: no)")
    add(
        "--all-small", action="store_const", dest="command", const="all_small", default=argparse.SUPPRESS,
        help="train all small models by their recipes, and tell what they reach (default: MODEL)",
    )  # fmt: skip
    add("--seeds", type=integer(1), default=3, metavar="N", help="with --all-small: runs a network (default: 3)")
    add(
        "--resume", nargs="?", const=LATEST, metavar="RUN",
        help="as `minigrad resume RUN`; without RUN the latest one of MODEL (default: a new run)",
    )  # fmt: skip


def _add_resume(parser: argparse.ArgumentParser) -> None:
    explain(
        parser,
        "RUN [options]",
        "The settings are those of the run; it ends bit for bit as if it had not been interrupted.",
        "example:\n  minigrad resume runs/lenet5",
    )
    parser.add_argument("run", metavar="RUN", help="the run folder")
    _add_override(
        parser, "epochs", "N", "more of them, if the schedule does not depend on their number (default: as begun)"
    )


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    explain(
        parser,
        "RUN|MODEL [options]",
        "The loss; for classes the accuracy, and precision, recall and F1 of each; else the errors.",
        "example:\n  minigrad evaluate runs/lenet5 --json",
    )
    _add_run(parser)
    _add_data(parser, ": whose test part to use (default: what the run was trained on)")
    _add_override(parser, "threads", "N", THREADS.format("the run's"))


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    add_predict_options(parser)
    _add_override(parser, "threads", "N", THREADS.format("the run's"))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the folder of a run; with --weights a model")
    parser.add_argument("--weights", metavar="FILE", help="safetensors or .npz for MODEL (default: those of the run)")


def _add_summary(parser: argparse.ArgumentParser) -> None:
    explain(
        parser,
        "[MODEL|RUN] [options]",
        "Of a model by its name, of package.module:callable of your own, or of the model of a run;\n"
        "without one, a list of the models, with their recipes.",
        "example:\n  minigrad summary lenet5 --input 64x1x32x32",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL|RUN", help="a model, an .onnx file, or the folder of a run")
    parser.add_argument(
        "--input", type=shape, metavar="SIZES", help="NxCxHxW of a batch (default: one sample, if its shape is known)"
    )  # fmt: skip


def _add_graph(parser: argparse.ArgumentParser) -> None:
    measures = _measures()
    explain(
        parser,
        "MODEL|RUN [options]",
        "MODEL is a name of `minigrad summary`, or package.module:callable of your own: a class or function that\n"
        "makes a model, or a function of Tensors. FILE ends in .svg, .png, .pdf, .dot, .json, or .html: a page to\n"
        "walk through, with values, gradients and source lines.",
        "examples:\n"
        "  minigrad graph lenet5 --data digits -o lenet5.html --open\n"
        "  minigrad graph resnet152 --depth 2 --repeats -o resnet152.svg\n"
        "  minigrad graph ops:swish --input 2x3 --color-by verdict -o swish.svg",
    )
    add = parser.add_argument
    add("model", metavar="MODEL|RUN", help="a model, an .onnx file, the folder of a run, or a function")
    add("-o", "--out", metavar="FILE", help="where to (default: MODEL.svg)")
    add(
        "--input", type=shape, action="append", metavar="SIZES",
        help="NxCxHxW of random numbers, once for each input (default: one sample, if its shape is known)",
    )  # fmt: skip
    _add_data(parser, ": draw the loss on 8 samples of it, in training mode (default: the outputs, in evaluation mode)")
    add("--depth", type=integer(0), metavar="N", help="collapse modules inside of N others (default: none)")
    add("--repeats", action="store_true", help='draw equal blocks in a row once, with "× 3" (default: draw each)')
    add(
        "--color-by", choices=measures, default="kind", metavar="MEASURE",
        help=f"{', '.join(measures)} (default: kind)",
    )  # fmt: skip
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument("--backward", action="store_true", help="draw the backward pass (default: forward)")
    direction.add_argument("--both", action="store_true", help="draw both passes (default: forward)")
    add("--across", action="store_true", help="draw from left to right (default: downward)")
    add("--open", action="store_true", help="show the file in the browser (default: no)")


def _add_export(parser: argparse.ArgumentParser) -> None:
    explain(
        parser,
        "MODEL|RUN [options]",
        "What it computes in evaluation mode, with its weights, as an ONNX file that other runtimes read. Classes and\n"
        "the values of black and white pixels go into the metadata. Needs the package onnx (extra `onnx`).",
        "examples:\n"
        "  minigrad export runs/lenet5 -o lenet5.onnx --dynamic-batch\n"
        "  minigrad export net:Net --input 1x3x32x32 -o net.onnx",
    )
    add = parser.add_argument
    add("model", metavar="MODEL|RUN", help="a model, an .onnx file, or the folder of a run")
    add("-o", "--out", metavar="FILE", help="where to (default: MODEL.onnx)")
    add("--weights", metavar="FILE", help="safetensors or .npz for MODEL (default: fresh ones, or those of the run)")
    add(
        "--input", type=shape, action="append", metavar="SIZES",
        help="NxCxHxW of a batch, once for each input (default: one sample, if its shape is known)",
    )  # fmt: skip
    add("--opset", type=integer(1), default=20, metavar="N", help="version of ONNX's operators (default: 20)")
    add("--dynamic-batch", action="store_true", help="let the file take any number of samples (default: as --input)")
    add(
        "--external-data", action="store_true",
        help="put the weights beside it, into FILE.data (default: only above 2 GB)",
    )  # fmt: skip


def _add_completion(parser: argparse.ArgumentParser) -> None:
    explain(
        parser,
        "SHELL [options]",
        "Put it where your shell looks for completions, or source it at start.",
        "examples:\n"
        '  eval "$(minigrad completion bash)"                      in ~/.bashrc\n'
        '  eval "$(minigrad completion zsh)"                       in ~/.zshrc, after compinit\n'
        "  minigrad completion fish > ~/.config/fish/completions/minigrad.fish",
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _add_data(parser: argparse.ArgumentParser, about: str) -> None:
    names = ", ".join(DATA_REGISTRY.entries)
    _add_override(
        parser, "data", "DATA", f"{names}; a folder of images, tar shards or Parquet; package.module:callable{about}"
    )
    parser.add_argument("--skip-broken", action="store_true", help="leave out images that cannot be read (default: no)")


def _add_override(parser: argparse.ArgumentParser, key: str, metavar: str, about: str) -> None:
    """Add the option that asks for the same as a key of a configuration file."""
    parser.add_argument("--" + key.replace("_", "-"), type=PARSERS[key], metavar=metavar, help=about)


COMMANDS: Final[dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "train": ("train a model; its weights, curves and pictures go to a run folder", _add_train),
    "resume": ("go on with a training exactly where it stopped", _add_resume),
    "sweep": ("train a model with many settings, and compare", add_sweep),
    "evaluate": ("tell how good a trained model is on test data", _add_evaluate),
    "predict": ("tell the classes of images and sounds, or continue texts", _add_predict),
    "summary": ("show the layers of a model: shapes, parameters, multiply-adds, memory", _add_summary),
    "graph": ("draw the computation graph of a model or function", _add_graph),
    "export": ("write a model as an ONNX file", _add_export),
    "data": ("pack folders of images into shards, or check every sample of some data", add_data_options),
    "completion": ("print a script that completes this command in a shell", _add_completion),
}
"""The commands: what each does, and what adds its options."""
