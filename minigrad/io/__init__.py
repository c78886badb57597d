"""Files: arrays in the safetensors format, and writing that either happens wholly or not at all."""

from minigrad.io.atomic import write_atomically
from minigrad.io.safetensor import load, save

__all__ = ["load", "save", "write_atomically"]
