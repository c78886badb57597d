"""Helpers for modules, where PyTorch has them."""

from typing import TYPE_CHECKING

from minigrad.nn.utils import rnn
from minigrad.pytorch_names import module_getattr as _module_getattr

__all__ = ["rnn"]

if not TYPE_CHECKING:  # type checkers find by themselves what does not exist
    __getattr__ = _module_getattr(__name__)
