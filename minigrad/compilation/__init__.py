"""Programs: a function captured once, made better by passes that one can read, and replayed."""

from minigrad.compilation.compiled import Compiled, compile
from minigrad.compilation.passes import PASSES, Pass
from minigrad.compilation.program import Instruction, Program
from minigrad.compilation.row_loops import loop_sources

__all__ = ["PASSES", "Compiled", "Instruction", "Pass", "Program", "compile", "loop_sources"]
