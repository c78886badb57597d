"""Files: arrays in the safetensors format, and writing that either happens wholly or not at all."""

from minigrad.io.atomic import write_atomically
from minigrad.io.lock import Lock
from minigrad.io.nested import load_state, save_state
from minigrad.io.npz import load_npz
from minigrad.io.safetensor import load, save

__all__ = ["Lock", "load", "load_npz", "load_state", "save", "save_state", "write_atomically"]
