"""Helpers for modules, where PyTorch has them."""

from typing import TYPE_CHECKING

from minigrad.nn.utils import parametrizations, parametrize, rnn
from minigrad.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from minigrad.pytorch_names import module_getattr as _module_getattr

__all__ = ["parameters_to_vector", "parametrizations", "parametrize", "rnn", "vector_to_parameters"]

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
