"""`use_widest()`: loops that LLVM makes vectors of fill the widest registers that there are.

For many processors of Intel's with AVX-512, LLVM takes half of each: on the first of these, wide instructions lowered
the clock. What loops of arithmetic gain is more: exp, log and gelu a fifth.
"""

from numba import types

from .simd import BYTES, NumbaObject, intrinsic


@intrinsic
def use_widest(typing: NumbaObject) -> NumbaObject:
    """Let LLVM use the widest registers for the loops of the function that calls this."""

    def emit(context: NumbaObject, builder: NumbaObject, signature: NumbaObject, args: NumbaObject) -> NumbaObject:
        preference = f'"prefer-vector-width"="{BYTES * 8}"'
        set.add(builder.function.attributes, preference)  # whose own `add` takes the words without values only
        return context.get_dummy_value()

    return types.void(), emit
