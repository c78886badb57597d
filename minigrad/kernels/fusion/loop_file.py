"""From the source of a loop to a compiled function, kept on disk.

A source is written to a file of its own in the user's cache folder: there Numba keeps its machine code beside it,
tracebacks find the line, and a curious user the loop. The file's name has a hash of the source and of all that
compiled code is made of here, so that a new version of minigrad never runs an old loop.
"""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

INGREDIENTS = (
    "vector_math_numba.py", "trigonometry_numba.py", "hyperbolic_numba.py", "powers_numba.py", "polynomial_numba.py",
    "float_bits_numba.py", "../jit.py", "../simd.py", "../row_sums_numba.py",
    "../widest_registers_numba.py",
)  # fmt: skip


def compiled_loop(source: str, name: str) -> Callable[..., None]:
    """The function `name` of a module's source, to be compiled by its first call or taken from the disk."""
    digest = hashlib.sha256((_ingredients() + source).encode()).hexdigest()[:16]
    module = f"minigrad_loop_{name}_{digest}"
    path = _written(source, module)
    function: Callable[..., None] = getattr(_loaded(module, path) if path else _executed(module, source), name)
    return function


def loop_folder() -> Path:
    """Where sources of loops are: MINIGRAD_LOOPS, or a folder in the user's cache folder."""
    chosen = os.environ.get("MINIGRAD_LOOPS")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "minigrad" / "loops"


@cache
def _ingredients() -> str:
    folder = Path(__file__).parent
    return "".join([(folder / name).read_text("utf-8") for name in INGREDIENTS])


def _written(source: str, module: str) -> Path | None:
    """The file that holds the source; None where none can be written, or where it belongs to somebody else."""
    try:
        folder = loop_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{module}.py"
        if not path.exists():
            handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(source)
            os.replace(temporary, path)  # another process may write the same at the same time
        return path if path.read_text("utf-8") == source else None
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        return None


def _loaded(module: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded  # where Numba looks for the module of a function that it takes from the disk
    spec.loader.exec_module(loaded)
    return loaded


def _executed(module: str, source: str) -> ModuleType:
    """The module without a file; its lines are still found by tracebacks."""
    made, name = ModuleType(module), f"<{module}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), made.__dict__)
    return made
