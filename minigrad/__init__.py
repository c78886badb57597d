"""minigrad: a small autograd framework that you can read, prove and see.

A `Tensor` records how it was made; `backward` and the functional forms `grad`, `vjp`, `jvp`, ... pull derivatives back
through the record. Ops, yours as well as these, are forward functions with their rules beside them (`minigrad.op`).
`functional`, `nn`, `optim` and `data` build and train networks; `viz` draws what was recorded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad import blas_threads as _blas_threads  # noqa: F401  (before NumPy is imported)

# isort: split
from minigrad import array_namespace as _array_namespace
from minigrad import fft as fft
from minigrad import functional, init, nn, ops, optim
from minigrad import linalg as linalg
from minigrad import numpy_protocol as _numpy_protocol  # noqa: F401  (NumPy's functions on Tensors)
from minigrad.autograd.anomaly import anomaly
from minigrad.autograd.checkpoint import checkpoint
from minigrad.autograd.custom_vjp import custom_vjp
from minigrad.autograd.elementwise import elementwise
from minigrad.autograd.forward_mode import jvp, linearize
from minigrad.autograd.jacobian import hessian, hvp, jacobian
from minigrad.autograd.op import Op
from minigrad.autograd.registry import REGISTRY, op
from minigrad.autograd.tensor import (
    Tensor,
    default_dtype,
    is_recording,
    memory_guard,
    no_grad,
    set_default_dtype,
    tensor,
)
from minigrad.autograd.transforms import (
    backward,
    grad,
    stop_gradient,
    value_and_grad,
    vjp,
)
from minigrad.autograd.vmap import vmap
from minigrad.config import set_threads, show_config
from minigrad.conversion import asarray, from_dlpack
from minigrad.creation import (
    arange,
    empty,
    empty_like,
    eye,
    full,
    linspace,
    ones,
    rand,
    randn,
    zeros,
)
from minigrad.dtypes import (
    bool,
    can_cast,
    complex64,
    complex128,
    e,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    isdtype,
    nan,
    newaxis,
    pi,
    result_type,
    uint8,
    uint16,
    uint32,
    uint64,
)
from minigrad.errors import (
    AxisError,
    BatchingError,
    DataError,
    DistributedError,
    DTypeError,
    FreedGraphError,
    GraphError,
    MinigradError,
    MissingExtraError,
    MutationError,
    NonFiniteError,
    RuleError,
    ShapeError,
    StateError,
    UsageError,
)
from minigrad.graph import Graph
from minigrad.nn.functional_call import functional_call
from minigrad.ops import *
from minigrad.pytorch_names import module_getattr as _module_getattr
from minigrad.pytorch_names.keywords import explained as _explained
from minigrad.rng import seed
from minigrad.sampling import bernoulli, multinomial, normal, rand_like, randint, randn_like, randperm

if TYPE_CHECKING:
    from minigrad import compilation as compilation
    from minigrad import cost as cost
    from minigrad import data as data
    from minigrad import diagnosis as diagnosis
    from minigrad import distributed as distributed
    from minigrad import einops as einops
    from minigrad import io as io
    from minigrad import special as special
    from minigrad import testing as testing
    from minigrad import training as training
    from minigrad import viz as viz
    from minigrad.compilation import compile
    from minigrad.diagnosis import why

__version__ = "0.1.0"
__array_api_version__ = _array_namespace.API_VERSION
__array_namespace_info__ = _array_namespace.namespace_info

_LAZY = (
    "compilation", "cost", "data", "diagnosis", "distributed", "einops", "io", "special", "testing", "training", "viz",
)  # fmt: skip

_missing = _module_getattr(__name__)


def __getattr__(name: str) -> Any:
    """Import the larger subpackages when they are first asked for, so that `import minigrad` stays quick."""
    if name in _LAZY:
        return import_module(f"minigrad.{name}")
    if name == "compile":
        return import_module("minigrad.compilation").compile
    if name == "why":
        return import_module("minigrad.diagnosis").why
    return _missing(name)


__all__ = [
    "REGISTRY",
    "AxisError",
    "BatchingError",
    "DTypeError",
    "DataError",
    "DistributedError",
    "FreedGraphError",
    "Graph",
    "GraphError",
    "MinigradError",
    "MissingExtraError",
    "MutationError",
    "NonFiniteError",
    "Op",
    "RuleError",
    "ShapeError",
    "StateError",
    "Tensor",
    "UsageError",
    "__version__",
    "anomaly",
    "arange",
    "asarray",
    "backward",
    "bernoulli",
    "bool",
    "can_cast",
    "checkpoint",
    "compile",
    "complex64",
    "complex128",
    "custom_vjp",
    "data",
    "default_dtype",
    "e",
    "elementwise",
    "empty",
    "empty_like",
    "eye",
    "finfo",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "full",
    "functional",
    "functional_call",
    "grad",
    "hessian",
    "hvp",
    "iinfo",
    "inf",
    "init",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_recording",
    "isdtype",
    "jacobian",
    "jvp",
    "linearize",
    "linspace",
    "memory_guard",
    "multinomial",
    "nan",
    "newaxis",
    "nn",
    "no_grad",
    "normal",
    "ones",
    "op",
    "optim",
    "pi",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "result_type",
    "seed",
    "set_default_dtype",
    "set_threads",
    "show_config",
    "stop_gradient",
    "tensor",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "value_and_grad",
    "vjp",
    "vmap",
    "why",
    "zeros",
]  # fmt: skip
__all__ += ops.__all__

globals().update(_explained(globals(), __all__))
