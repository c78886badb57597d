"""Chains of five elementwise functions, as in activations, gates and losses: a compiled step makes one loop of each.

`f` is where the functions are: `minigrad.ops`, or the same names of a peer.
"""

from collections.abc import Callable
from typing import Any

CHAINS: dict[str, Callable[[Any, Any], Any]] = {
    "affine_tanh_gate": lambda f, x: f.tanh(x * 2.0 + 1.0) * f.sigmoid(x),
    "tanh_residual": lambda f, x: f.tanh(f.sigmoid(x) * x) * 0.5 + x,
    "smooth_l1": lambda f, x: f.sqrt(f.square(x * 0.5 - 1.0) + 1.0),
    "log_cosh": lambda f, x: f.log(f.exp(-f.square(x)) + 1.0) * 0.5,
    "activations": lambda f, x: f.tanh(f.silu(f.sigmoid(f.relu(x) * 3.0))),
    "normal_density": lambda f, x: f.exp(f.square((x - 0.5) * 2.0) * -0.5) * 0.4,
    "gelu_scale": lambda f, x: f.gelu(x * 1.5 + 0.5) * f.tanh(x),
    "polynomial": lambda f, x: ((x * 0.3 + 0.2) * x - 0.5) * x,
}
