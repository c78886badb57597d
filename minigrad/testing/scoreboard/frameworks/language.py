"""How each framework is spoken to: where its functions are, and how an array is written and a gradient asked for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module, metadata
from typing import Any, Final

import numpy as np

from minigrad.typing import Array


@dataclass(frozen=True)
class Language:
    """What the scoreboard knows of a framework.

    Attributes:
        name: of the package, and of the adapter `minigrad.testing.<name>`.
        modules: where its functions are; "tinygrad.Tensor" stands for the methods of its class.
        array: what makes an array of a list.
        constant: code that makes one in double precision that is not differentiated.
        variable: code that makes one that is.
        gradient: code for the gradient of `{out}` by `{x}`, an expression.
        gradients: code for those by several, `{x}`, whose numbers among the arguments are `{numbers}`.
        setup: code that runs before everything else.
    """

    name: str
    modules: tuple[str, ...]
    array: str
    constant: str
    variable: str
    gradient: str
    gradients: str
    setup: str = ""
    imports: tuple[str, ...] = field(default=())

    @property
    def version(self) -> str:
        """The version that is installed."""
        return metadata.version(self.name)

    def namespace(self) -> dict[str, Any]:
        """The names that code may use."""
        for module in (*self.modules, *self.imports):
            if module != "tinygrad.Tensor":
                import_module(module)
        names: dict[str, Any] = {self.name: import_module(self.name), "numpy": np}
        exec(self.setup, names)
        return names

    def written(self, x: Array, *, variable: bool) -> str:
        """Code that makes an array."""
        return (self.variable if variable else self.constant).format(numbers(x))

    def gradient_code(self, out: str, names: Sequence[str]) -> str:
        """Code for the gradient of code by one variable, or for a list of those by several."""
        if len(names) == 1:
            return self.gradient.format(out=out, x=names[0])
        return self.gradients.format(out=out, x=", ".join(names), numbers=tuple(range(len(names))))

    def call(self, function: str, arguments: str) -> str:
        """Code that calls a function with code of its arguments."""
        if function.startswith("tinygrad.Tensor."):
            first, _, rest = arguments.partition(", ")
            return f"{first}.{function.rpartition('.')[2]}({rest})"
        return f"{function}({arguments})"


def numbers(x: Array) -> str:
    """An array as nested lists of numbers."""
    return repr(np.asarray(x).tolist())


LANGUAGES: Final[dict[str, Language]] = {
    language.name: language
    for language in (
        Language(
            "torch",
            ("torch", "torch.special", "torch.nn.functional", "torch.linalg", "torch.fft"),
            "torch.tensor",
            "torch.tensor({}, dtype=torch.float64)",
            "torch.tensor({}, dtype=torch.float64, requires_grad=True)",
            "torch.autograd.grad({out}, {x})[0].tolist()",
            "[g.tolist() for g in torch.autograd.grad({out}, [{x}])]",
        ),
        Language(
            "jax",
            (
                "jax.numpy",
                "jax.nn",
                "jax.scipy.special",
                "jax.numpy.linalg",
                "jax.lax",
                "jax.scipy.linalg",
                "jax.numpy.fft",
            ),
            "jax.numpy.array",
            "jax.numpy.array({})",
            "jax.numpy.array({})",
            "jax.grad(lambda {x}: {out})({x}).tolist()",
            "[g.tolist() for g in jax.grad(lambda {x}: {out}, {numbers})({x})]",
            "jax.config.update('jax_enable_x64', True)",
        ),
        Language(
            "autograd",
            (
                "autograd.numpy",
                "autograd.scipy.special",
                "autograd.numpy.linalg",
                "autograd.scipy.linalg",
                "autograd.scipy.stats.norm",
                "autograd.scipy.stats.t",
                "autograd.scipy.stats.beta",
                "autograd.scipy.stats.gamma",
                "autograd.scipy.stats.poisson",
                "autograd.scipy.stats.chi2",
                "autograd.scipy.signal",
                "autograd.numpy.fft",
            ),
            "numpy.array",
            "numpy.array({})",
            "numpy.array({})",
            "autograd.grad(lambda {x}: {out})({x}).tolist()",
            "[g.tolist() for g in autograd.grad(lambda {x}: {out}, {numbers})({x})]",
        ),
        Language(
            "mygrad",
            (
                "mygrad",
                "mygrad.linalg",
                "mygrad.nnet",
                "mygrad.nnet.activations",
                "mygrad.nnet.losses",
                "mygrad.nnet.layers",
            ),
            "numpy.array",
            "numpy.array({})",
            "mygrad.tensor({})",
            "({out}.backward(), {x}.grad.tolist())[1]",
            "({out}.backward(), [v.grad.tolist() for v in [{x}]])[1]",
        ),
        Language(
            "tinygrad",
            ("tinygrad.Tensor",),
            "tinygrad.Tensor",
            "tinygrad.Tensor({}, dtype='float64')",
            "tinygrad.Tensor({}, dtype='float64')",
            "{out}.gradient({x})[0].tolist()",
            "[g.tolist() for g in {out}.gradient({x})]",
        ),
        Language(
            "minigrad",
            ("minigrad", "minigrad.functional"),
            "minigrad.Tensor",
            "minigrad.Tensor({})",
            "minigrad.Tensor({})",
            "minigrad.grad(lambda {x}: {out})({x}).tolist()",
            "[g.tolist() for g in minigrad.grad(lambda {x}: {out}, {numbers})({x})]",
        ),
    )
}
"""Each framework by its name, our own as well."""

FOREIGN: Final = tuple(name for name in LANGUAGES if name != "minigrad")
"""The frameworks of the page."""

# What changes the process or the disk, is random, or makes arrays of nothing that is differentiated.
_LEFT_OUT: Final = re.compile(
    r"""_.* | .*_ | (set|get|is|save|load|seed|manual|initial|fork|wait|use|enable|disable|print|show|rand|from|empty|
    bernoulli|multinomial|dropout|alpha_dropout|feature|native_dropout|compile|export|import|init|assert|test|may_share|
    shares|can_|promote|result_type|typename|vmap|cond$|while_loop|unravel|info|who|source|deprecat|lookfor|disp|
    binomial|gumbel|rrelu|fractional|exit|quit|input|memmap|open|save|tofile|sync|callback|custom|pure|io_|debug|
    parallel|all_gather|all_to_all|psum|pmean|pmax|pmin|ppermute|pshuffle|pswap|axis_index|scatter_reduce$|
    setbufsize|seterr|geterr|errstate|broadcast_shapes|arange|linspace|logspace|ones|zeros|eye|full|tri$|
    finfo|iinfo|nested|sparse|quantize|fake_quantize|fbgemm|mkldnn|cudnn|miopen|q_|dequantize|int_repr|backward|
    grad_|realize|clone|numpy$|tolist|item|data$|to$|to_|contiguous|detach|requires|assign|replace|shard|
    uniform|normal$|scaled_uniform|glorot|kaiming|randint|randn|randperm|element_size|nbytes|lazydata|schedule|
    gradient$|call$|callify|alu$|as_param|linear_with|threefry|training|train$|one_hot|multigpu|hash|pca_lowrank|svd_lowrank|nextafter|spacing|parse_|keccak|decode|fused_gromov|dtype|cast|bitcast|
    tensor$|as_tensor|asarray|asanyarray|ascontiguous|asfortran|asmatrix|as_strided|require$|array$|stop_gradient|
    reduce_precision|slice_inverse).*""",
    re.VERBOSE,
)

_KEPT: Final = frozenset({"torch.linalg.cond", "jax.numpy.linalg.cond", "autograd.numpy.linalg.cond"})


def functions_of(language: Language) -> list[str]:
    """The paths of a framework's public functions, each function once."""
    found: dict[int, str] = {}
    for path, function in _all_functions(language):
        found.setdefault(id(function), path)
    return list(found.values())


def _all_functions(language: Language) -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in language.modules:
        of_class = module == "tinygrad.Tensor"
        owner = import_module("tinygrad").Tensor if of_class else import_module(module)
        for name in sorted(dir(owner)):
            if _LEFT_OUT.fullmatch(name) and f"{module}.{name}" not in _KEPT:
                continue
            value = inspect.getattr_static(owner, name) if of_class else getattr(owner, name)
            if of_class and not inspect.isfunction(value):
                continue
            if callable(value) and not (inspect.isclass(value) and (type(value) is type or name[0].isupper())):
                yield f"{module}.{name}", value
