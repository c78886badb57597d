"""Choose between a kernel's plain NumPy definition and its compiled variant.

The compiled variant of `convolution.conv` is `convolution_numba.conv`, found by name, with the same arguments. It
returns NotImplemented, as Python's own operators do, for arguments that it is not faster for or not made for.
Numba is imported by the first call that is large enough to profit from it.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
VariantResult: TypeAlias = Any  # what the definition returns, or NotImplemented

MIN_COMPILED_SIZE = 1 << 13  # elements in the first argument: below, NumPy is done before a compiled kernel is reached


class _State(threading.local):
    numpy_only = False  # a field that a thread lacks is looked up at the price of an exception


_state = _State()

compilation_watchers: list[Callable[[], None]] = []
"""What is called when a kernel begins to be compiled, in the thread that waits for it; not when it is on disk."""


@cache
def numba_available() -> bool:
    """Whether Numba is installed."""
    return find_spec("numba") is not None


@contextmanager
def numpy_only() -> Iterator[None]:
    """Use the NumPy definitions only, in this thread."""
    before = _state.numpy_only
    _state.numpy_only = True
    try:
        yield
    finally:
        _state.numpy_only = before


def is_numpy_only() -> bool:
    """Whether this thread uses the NumPy definitions only."""
    return _state.numpy_only


def with_compiled_variant(definition: Callable[P, R], smallest: int = MIN_COMPILED_SIZE) -> Callable[P, R]:
    """Let the compiled variant of `definition` compute large arrays: where the first one has `smallest` elements."""
    module, name = definition.__module__ + "_numba", definition.__name__
    variant: Callable[..., VariantResult] | None = None

    @wraps(definition)
    def kernel(*args: P.args, **settings: P.kwargs) -> R:
        nonlocal variant
        first: Any = args[0]  # an array, which P cannot say
        if first.size >= smallest and not _state.numpy_only:
            if variant is None:
                variant = _load(module, name)
            answer: R = variant(*args, **settings)
            if answer is not NotImplemented:
                return answer
        return definition(*args, **settings)

    return kernel


def compiled_variant(kernel: Callable[P, R]) -> Callable[..., VariantResult] | None:
    """The compiled variant of a kernel, for arrays of any size; None where only the definitions are to be used."""
    definition: Any = kernel.__wrapped__  # type: ignore[attr-defined]  # by `with_compiled_variant`
    return None if is_numpy_only() else _load(definition.__module__ + "_numba", definition.__name__)


@cache
def _load(module: str, name: str) -> Callable[..., VariantResult]:
    if not _numba_works():
        return lambda *args, **settings: NotImplemented
    return cast(Callable[..., VariantResult], getattr(import_module(module), name))


@cache
def _numba_works() -> bool:
    """Whether Numba can be imported: one that does not fit this Python or NumPy is as good as none."""
    try:
        return numba_available() and bool(_numba())
    except ImportError:
        return False


@cache
def _numba() -> Any:  # without type stubs
    """Numba, which tells `compilation_watchers` that it compiles."""
    _leave_out_scipy()
    _compile_runtime_later()
    event: Any = import_module("numba.core.event")

    class Listener(event.Listener):  # type: ignore[misc]  # a class of Numba's
        def on_start(self, event: object) -> None:
            for watcher in compilation_watchers:
                watcher()

        def on_end(self, event: object) -> None:
            pass

    event.register("numba:compile", Listener())
    return import_module("numba")


def _leave_out_scipy() -> None:
    """Let Numba load SciPy when code needs its products of matrices, as it does anyway, not already at the beginning.

    It looks whether there is a BLAS by importing `scipy.linalg`, which takes 20 MB and a fifth of a second.
    """
    linalg: Any = import_module("numba.np.linalg")
    ensure = getattr(linalg, "ensure_blas", None)
    if ensure is None or "numba.np.arraymath" in sys.modules or find_spec("scipy") is None:
        return
    linalg.ensure_blas = lambda: None
    try:
        import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = ensure


class _MadeLater:
    """Stands for an object that is made when one of its attributes is needed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)


def _compile_runtime_later() -> None:
    """Let Numba compile its runtime library when a kernel is compiled, not when the first one is found on disk.

    Machine code holds its own copies of these functions. Without them LLVM has nothing to compile in most processes,
    which would take 26 MB and a twentieth of a second.
    """
    runtime: Any = import_module("numba.core.runtime.nrtdynmod")
    compile_functions = getattr(runtime, "compile_nrt_functions", None)
    if compile_functions is not None:
        runtime.compile_nrt_functions = lambda context: _MadeLater(partial(compile_functions, context))


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` in its first call with each dtype, and keep the machine code on disk if possible."""
    numba = _numba()
    # Products may be fused into sums; NaN and infinity keep their meaning.
    jit = partial(numba.njit, nogil=True, error_model="numpy", fastmath={"contract"})
    try:
        kernel = jit(cache=True)(function)
    except RuntimeError:  # there is no folder to keep it in
        return cast(Callable[P, R], jit()(function))
    kernel._cache = import_module("minigrad.kernels.kernel_cache_numba").KernelCache(function)
    return cast(Callable[P, R], kernel)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` as a part of those that call it."""
    jit = _numba().njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
    return cast(Callable[P, R], jit(function))


def inlined_tile(function: Callable[P, R]) -> Callable[P, R]:
    """Likewise a function that makes no arrays and keeps a register tile.

    It does not count references to its arrays, which those that call it hold: between a loop and what follows on it,
    that may be a call, before which all registers are written to memory.
    """
    jit = _numba().njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True, _nrt=False)
    return cast(Callable[P, R], jit(function))
