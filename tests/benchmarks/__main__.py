"""Benchmarks of minigrad against a peer on this machine, in this run.

    python -m tests.benchmarks overhead                       what one op costs beyond its arithmetic
    python -m tests.benchmarks elementwise --peer torch       elementwise functions, forward and backward (--chains)
    python -m tests.benchmarks convolution --peer torch       convolutions of networks, each shape alone
    python -m tests.benchmarks loader --peer torch            images a second, read by worker processes
    python -m tests.benchmarks per_sample                     gradients of each sample, and one of the batch
    python -m tests.benchmarks sequences --peer torch         recurrent layers, attention, a layer of a Transformer
    python -m tests.benchmarks steps --models mlp lenet5 --peer torch    whole training steps, and peak memory
    python -m tests.benchmarks steps --models resnet20 --profile         where the time goes, op by op

With `--avx2`, all sides do without AVX-512, as most machines do. Whole steps of large networks take minutes each:
`--budget 600` is for those who have ten. Add --json for output that programs can read. A peer is installed by whoever
compares: pip install torch==2.13.0
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.benchmarks import convolution, elementwise, loader, overhead, per_sample, sequences, steps
from tests.benchmarks.processor import set_processor


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure minigrad against a peer.")
    commands = parser.add_subparsers(required=True)
    for module in (overhead, elementwise, convolution, loader, per_sample, sequences, steps):
        command = commands.add_parser(module.__name__.rpartition(".")[2], help=(module.__doc__ or "").splitlines()[0])
        module.add_options(command)
        command.add_argument("--json", action="store_true", help="print the figures as JSON")
        command.add_argument("--avx2", action="store_true", help="let no side use AVX-512")
        command.set_defaults(module=module)
    options = parser.parse_args(arguments)
    set_processor(avx2=options.avx2)
    return int(options.module.run(options))


if __name__ == "__main__":
    sys.exit(main())
