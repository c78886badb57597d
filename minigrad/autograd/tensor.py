"""`Tensor`: an array, and how it was made.

A Tensor has two fields: `_data`, a NumPy array, and `node`, the entry of the graph that recorded how the array came
about. `node is None` means constant. Every operator and method below calls the op of the same name in
`minigrad.ops`, which computes, and records when an input has a node.

The memory guard: gradients are computed from the very arrays that the forward pass used, so a later write to one of
them would give silently wrong gradients. Therefore `Tensor(array)` copies, and the arrays that a Tensor hands out
(`data`, `numpy()`) are read-only. Values change by assigning `t.data = ...`, which leaves the old array to whoever
still needs it. `memory_guard(False)` switches this off: arrays are shared and writable, at your own risk.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from minigrad.autograd import operators
from minigrad.autograd.array_protocol import ArrayProtocol
from minigrad.autograd.batched_array import LIVE, BatchedArray, innermost, is_batched
from minigrad.autograd.complex_numbers import DIFFERENTIABLE, complex_dtype, is_complex
from minigrad.autograd.guard import GuardedArray
from minigrad.autograd.node import STATE, Leaf, Node, _State, next_id, override_state
from minigrad.autograd.python_call import python_call
from minigrad.errors import DTypeError, GraphError, MutationError, ShapeError, UsageError
from minigrad.pytorch_names import MAXIMUM_AND_PLACE, Size, TensorHints, unpacking_count
from minigrad.pytorch_names.keywords import explain_calls
from minigrad.typing import Array, DTypeLike

if TYPE_CHECKING:
    from minigrad.autograd.rule import Plan

_default_dtype: np.dtype[Any] = np.dtype(np.float32)
_guarded = True


def default_dtype() -> np.dtype[Any]:
    """The dtype that Python numbers and lists become: float32 unless set otherwise."""
    return _default_dtype


def set_default_dtype(dtype: DTypeLike) -> None:
    """Set the dtype that Python numbers and lists become.

    Args:
        dtype: a floating one, such as "float64".

    Raises:
        DTypeError: it is not a floating dtype.
    """
    global _default_dtype
    if not np.issubdtype(np.dtype(dtype), np.floating):
        raise DTypeError(f"the default dtype must be a floating one (float32, float64 ...), not {np.dtype(dtype)}")
    _default_dtype = np.dtype(dtype)


def memory_guard(enabled: bool) -> None:
    """Switch the memory guard on or off, for the whole process; see this module's docstring.

    Args:
        enabled: whether writes to values that a recorded graph still needs are errors.
    """
    global _guarded
    _guarded = enabled


def is_memory_guarded() -> bool:
    """Whether the memory guard is on."""
    return _guarded


def as_array(data: Any, dtype: DTypeLike | None = None) -> Array:
    """`data` as a NumPy array: arrays keep their dtype, Python's real numbers take the default one.

    Integers and booleans stay what they are. The result may share memory with `data`.

    Raises:
        DTypeError: `data` holds Tensors, strings or other objects.
    """
    if isinstance(data, Tensor):
        if STATE.capture is not None:
            STATE.capture.looked(data, "an array")
        data = data._data
    if type(data) is BatchedArray:
        return data if dtype is None else data.astype(dtype)  # type: ignore[return-value]
    if dtype is not None and np.dtype(dtype).kind != "c" and is_complex(data):
        raise DTypeError(f"complex numbers do not become {np.dtype(dtype)}: take real(), imag() or abs() of them")
    if isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__array__"):
        array = np.asarray(data, dtype)
    else:
        if _holds_tensor(data):
            raise DTypeError("a list of Tensors cannot become a Tensor, their graphs would be lost: use minigrad.stack")
        array = np.asarray(data, dtype)
        if dtype is None and array.dtype.kind == "f":
            array = array.astype(_default_dtype)
        if dtype is None and array.dtype.kind == "c":
            array = array.astype(complex_dtype(_default_dtype))
    if array.dtype.kind not in "fiubc":
        table = ": x.select_dtypes('number') has those of a table" if hasattr(data, "select_dtypes") else ""
        raise DTypeError(f"a Tensor holds numbers or booleans, not {array.dtype} ({type(data).__name__}){table}")
    return array


def as_operand(data: Any) -> Array:
    """A number or a list given to an op in place of a Tensor: as `as_array`, but integers count as real numbers."""
    array = as_array(data)
    is_bare = not hasattr(data, "__array__") and not isinstance(data, (np.ndarray, np.generic))
    return array.astype(_default_dtype) if is_bare and array.dtype.kind in "iu" else array


def _holds_tensor(data: Any) -> bool:
    return isinstance(data, Tensor) or (isinstance(data, (list, tuple)) and any(map(_holds_tensor, data)))


class Tensor(operators.Operators, ArrayProtocol, TensorHints):
    """An n-dimensional array that remembers how it was made.

    Args:
        data: an array (copied, dtype kept), or Python numbers in nested lists: real ones become `default_dtype()`,
            integers int64.
        requires_grad: whether this is a variable whose gradient is wanted (default False). Only floating dtypes can be.

    Raises:
        GraphError: `data` is a recorded Tensor, whose history would be lost.
        DTypeError: gradients are asked for of a dtype that is not floating, or `data` holds no numbers.
        UsageError: `requires_grad` is a number, as in Tensor(2, 3).

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    Tensor([2., 4.], shape=(2,), dtype=float32)
    """

    __slots__ = ("__weakref__", "_data", "node")
    _data: Array
    node: Node | None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Tensor) and data.node is not None:
            raise GraphError("a Tensor made of a recorded one would lose its history: use it as it is, or .detach() it")
        if not isinstance(requires_grad, (bool, np.bool_)):
            raise UsageError(
                f"Tensor takes one argument of data, and {requires_grad!r} stands where requires_grad does: write "
                "Tensor([2.0, 3.0]) for values, or zeros((2, 3)) for a shape"
            )
        array = as_array(data._data if isinstance(data, Tensor) else data)
        shared = _guarded and not isinstance(data, (int, float, complex, list, tuple))
        self._data = array.copy() if shared else array
        if shared and STATE.capture is not None:
            STATE.capture.copied(array, self._data)
        self.node = None
        if requires_grad:
            self.requires_grad = True

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor is not made to be subclassed: write functions or an nn.Module instead")

    # ---- what it is ------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the elements."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return Size(self._data.size)

    @property
    def data(self) -> Array:
        """The values: a read-only view (see the memory guard). Assign to replace them."""
        if STATE.capture is not None:
            STATE.capture.looked(self, "data")
        if not _guarded:
            return self._data
        view = self._data.view(GuardedArray)
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, values: Any) -> None:
        _assign(self, values)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow through or to this Tensor. Set it to make a variable of a constant, or back."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.node is None:
            if self._data.dtype.kind not in DIFFERENTIABLE:
                raise DTypeError(
                    f"only floating Tensors can require gradients, not {self.dtype}: write 2.0 in place of 2, give "
                    "dtype=float, or use .astype(float)"
                )
            self.node = Leaf(self._data.shape, self._data.dtype)
        elif not wanted and self.node is not None:
            if not isinstance(self.node, Leaf):
                raise GraphError(f"{self.node.value_name} cannot stop requiring gradients: use .detach()")
            self.node = None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` accumulated; None before, and for what is no variable (with a warning)."""
        if isinstance(self.node, Leaf):
            return self.node.grad
        if self.node is not None:
            warnings.warn(
                f".grad of {self.node.value_name} is None: backward keeps the gradients of variables only (made with "
                "requires_grad=True). minigrad.grad(loss, x) gives that of any recorded x, before the graph is freed",
                stacklevel=2,
            )
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if not isinstance(self.node, Leaf):
            raise GraphError("only a variable (a leaf with requires_grad=True) has a gradient to set")
        if value is not None:
            value = value if isinstance(value, Tensor) else Tensor(value)
            if value.shape != self.shape:
                raise ShapeError(f"a gradient has its variable's shape {self.shape}, got {value.shape}")
            value = value if value.dtype == self.dtype else value.astype(self.dtype)
        self.node.grad = value

    def __repr__(self) -> str:
        if STATE.capture is not None:
            STATE.capture.looked(self, "text")
        if is_batched(self):
            return f"Tensor({self._data!r})"
        values = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(", threshold=64, edgeitems=3)
        made = ""
        if self.node is not None:
            made = ", requires_grad=True" if self.node.op is None else f", made by {self.node.op}"
        return f"Tensor({values}, shape={self.shape}, dtype={self.dtype}{made})"

    @explain_calls
    def backward(self, g: Any = None, *, retain_graph: bool = False, create_graph: bool = False) -> None:
        """Add this Tensor's derivatives to the `.grad` of every variable behind it; see `minigrad.backward`."""
        operators.transforms.backward(self, g, retain_graph=retain_graph, create_graph=create_graph)

    # ---- leaving the graph -----------------------------------------------------------------------------------

    def numpy(self) -> Array:
        """The values as a NumPy array, without history: a read-only view; `.numpy().copy()` is yours to change."""
        return self.data

    def item(self) -> float | int | bool:  # or complex, of which most uses have no need to hear
        """The only element, as a Python number, which has no history.

        Raises:
            ShapeError: there is not exactly one element.
        """
        self._tell("item()")
        return self._number()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers, which have no history."""
        self._tell("tolist()")
        if STATE.capture is not None:
            STATE.capture.looked(self, "tolist()")
        return self._data.tolist()

    def _number(self) -> Any:
        if self.size != 1:
            raise ShapeError(f"item() needs exactly one element, this Tensor has shape {self.shape}")
        number = self._data.item()
        if STATE.capture is not None:
            STATE.capture.looked(self, "a Python number", number)
        return number

    def _tell(self, how: str) -> None:
        """Tell who watches that a recorded value leaves as a number; int() and bool(), whose slope is 0, do not."""
        if self.node is not None and STATE.number_watcher is not None and STATE.recorder is not None:
            STATE.number_watcher(self, how)

    def detach(self) -> Tensor:
        """The same values as a constant: no gradient flows back from here."""
        data: Any = self._data
        return wrap(data.detached() if type(data) is BatchedArray else data)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if _is_sparse_product(sys._getframe(1)):
            return np.array(None, object)  # by which SciPy leaves A @ x to x.__rmatmul__
        if self.node is not None:
            raise GraphError(
                "a Tensor that requires gradients was about to become a plain array and lose its history: "
                "use t.numpy() if that is meant, or a minigrad function of the same name"
            )
        return np.array(self._data, dtype) if copy else np.asarray(self.data, dtype)

    def __float__(self) -> float:
        self._tell("float()")
        return float(self._number())

    def __complex__(self) -> complex:
        self._tell("complex()")
        return complex(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __index__(self) -> int:
        if self._data.dtype.kind not in "iu":
            raise DTypeError(f"only an integer Tensor can be an index, not {self.dtype}")
        return int(self._number())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"the truth of a Tensor of shape {self.shape} is ambiguous: use minigrad.any or minigrad.all"
            )
        return bool(self._number())

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a Tensor without dimensions has no len()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        names = unpacking_count(sys._getframe(1))
        if names is not None and names != len(self):
            hint = f"; {MAXIMUM_AND_PLACE}" if names == 2 else ""
            raise ShapeError(f"a Tensor of shape {self.shape} gives {len(self)} Tensors, not {names}{hint}")
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self._number(), spec) if spec else str(self)

    __hash__ = object.__hash__

    def __copy__(self) -> Tensor:
        return wrap(self._data, self.node)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        self._forbid_recorded("deep-copy")
        clone = Tensor(self._data.copy(), self.requires_grad)
        if self.grad is not None:
            clone.grad = self.grad.detach()
        return clone

    def __reduce__(self) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
        """Pickle a constant or a variable, which joblib and multiprocessing do: values, and the gradient."""
        self._forbid_recorded("pickle")
        gradient = None if self.grad is None else np.asarray(self.grad._data)
        name = self.node.name if isinstance(self.node, Leaf) else None
        return _unpickled, (np.asarray(self._data), self.requires_grad, gradient, name)

    # ---- writing ---------------------------------------------------------------------------------------------

    def _forbid_recorded(self, what: str) -> None:
        if self.node is not None and not isinstance(self.node, Leaf):
            raise MutationError(
                f"cannot {what} {self.node.value_name}: a live graph needs its values as they are. "
                "Write a new Tensor (minigrad.where, indexing, arithmetic), or .detach() a copy first"
            )

    def _stamp(self) -> None:
        if STATE.capture is not None:
            STATE.capture.written(self)
        if isinstance(self.node, Leaf):
            self.node.written_at = next_id()

    def writable(self) -> Array:
        """This variable's own array, for an update in place; optimizers use it.

        If anyone else (a recorded graph, a view handed out) still holds the array, a copy takes its place first,
        so that nothing which was recorded changes.
        """
        shared = sys.getrefcount(self._data) > 2  # 2: the field, and this call
        node, data = self.node, self._data
        flags = data.flags
        if node is not None and not isinstance(node, Leaf):
            self._forbid_recorded("write to")
        if (_guarded and (shared or not flags.owndata)) or not flags.c_contiguous:
            self._data = data = data.copy()  # copies are in C order
        if STATE.capture is not None:
            STATE.capture.written(self)
        if isinstance(node, Leaf):
            node.written_at = next_id()
        return data

    def __setitem__(self, index: Any, values: Any) -> None:
        """Replace elements. While recording, this Tensor becomes the result of that; the old one stays in the graph.

        Tensors are no views of each other: a row that was taken before does not change.

        Raises:
            MutationError: this is a variable, outside of `no_grad()`; or nobody holds this Tensor, as in x[0][1] = 2.
        """
        operators.ops.assignment.refuse_chained(sys.getrefcount(self))
        if isinstance(self.node, Leaf) and STATE.recorder is not None:
            raise MutationError(
                "writing into a variable is not recorded: do it inside `with minigrad.no_grad():`, "
                "or into a copy, x = minigrad.asarray(x, copy=True)"
            )
        given = values.node if isinstance(values, Tensor) else None
        if LIVE and not is_batched(self) and innermost((index, values)) is not None:
            raise MutationError(
                "inside of vmap, writing into a Tensor that all samples share would need a copy of it for each: write "
                "into one made of the arguments (minigrad.zeros_like(x)), or use minigrad.where or minigrad.concat"
            )
        if is_batched(self) or (STATE.recorder is not None and (self.node or given) is not None):
            result = operators.ops.assignment.assigned(self, index, values)
            self._data, self.node = result._data, result.node
            return
        _write(self, index, values)

    def _in_place(self, result: Tensor) -> Tensor:
        """`t += y` rebinds the name to a new Tensor, except for a variable, which is updated under `no_grad()`."""
        if not isinstance(self.node, Leaf):
            return result
        if STATE.recorder is not None:
            raise MutationError(
                "a variable cannot be updated in place while recording: "
                "use `with minigrad.no_grad():`, or write `t = t + y` for a new Tensor"
            )
        self.data = result
        return self


def _is_sparse_product(frame: FrameType) -> bool:
    """Whether a product of SciPy's sparse matrices asks for an array: it wants to know if it can compute with it."""
    name = frame.f_globals.get("__name__", "") if frame.f_code.co_name == "_matmul_dispatch" else ""
    return bool(name.startswith("scipy.sparse"))


@python_call
def _write(tensor: Tensor, index: Any, values: Any) -> None:
    """Write into a copy of a Tensor's values, which becomes its values."""
    tensor._forbid_recorded("write to")
    array = tensor._data.copy()
    index = operators.ops.index.canonical_index(index)
    operators.ops.assignment.write(array, index, as_array(values, array.dtype))
    tensor.data = array


@python_call
def _assign(tensor: Tensor, values: Any) -> None:
    """Replace a Tensor's values by a copy of others, in its own memory where nobody else holds that."""
    array = as_array(values, tensor._data.dtype)
    if array.shape != tensor._data.shape:
        raise ShapeError(f"new data must have this Tensor's shape {tensor._data.shape}, got {array.shape}")
    tensor._forbid_recorded("assign to .data of")
    alone = sys.getrefcount(tensor._data) == 2  # the field, and this call
    if alone and tensor._data.flags.owndata and tensor._data.flags.carray and STATE.capture is None:
        tensor._data[...] = array
    else:
        tensor._data = np.array(array, order="C")
    tensor._stamp()


def _unpickled(data: Array, requires_grad: bool, gradient: Array | None, name: str | None) -> Tensor:
    tensor = Tensor(data, requires_grad)
    if isinstance(tensor.node, Leaf):
        tensor.node.name = name
        tensor.grad = None if gradient is None else Tensor(gradient)
    return tensor


_new_tensor = Tensor.__new__


def wrap(data: Any, node: Node | None = None) -> Tensor:
    """A Tensor around an array, without a copy or a check: for code that just made the array."""
    tensor = _new_tensor(Tensor)
    tensor._data = data if type(data) is ndarray else _as_data(data)
    tensor.node = node
    return tensor


def _as_data(data: Any) -> Any:
    """What a Tensor holds: arithmetic on arrays without dimensions gives NumPy scalars, which become arrays again."""
    return data if type(data) is BatchedArray else np.asarray(data)


def copy_if_writable(x: Any) -> Any:
    """What a graph may keep of a bare array: a copy, as long as someone else could write to it."""
    if not (_guarded and type(x) is ndarray and x.flags.writeable):
        return x
    copy = x.copy()
    if STATE.capture is not None:
        STATE.capture.copied(x, copy)
    return copy


def record(
    plan: Plan, parents: tuple[Node | None, ...], values: tuple[Any, ...], settings: dict[str, Any], out: Any
) -> Tensor:
    """Put a result into the graph: the one place where a Node is made. Of a call's values, it keeps what rules ask for.

    Fields are set one by one since a call of `__init__` would cost as much as all of them together.
    """
    node = Node()
    node.plan = plan
    node.parents = parents
    node.saved = plan.save(values)
    node.settings = settings
    node.shape = out.shape
    node.dtype = out.dtype
    node.order = next_id()
    node.scope = STATE.scope
    tensor = _new_tensor(Tensor)
    tensor._data = out if type(out) is ndarray else _as_data(out)
    tensor.node = node
    return tensor


_State.recorder = staticmethod(record)


def no_grad() -> AbstractContextManager[None]:
    """Inside this block (and thread) nothing is recorded: results are constants."""
    return override_state(recorder=None, silent=True)


def recording(enabled: bool = True) -> AbstractContextManager[None]:
    """Inside this block (and thread) ops are recorded, even within `no_grad()`. With enabled=False none are.

    A recorder that is already active, such as that of `anomaly()`, stays.
    """
    recorder = STATE.recorder or (record if STATE.capture is None else STATE.capture.record)
    return override_state(recorder=recorder if enabled else None)


def is_recording() -> bool:
    """Whether ops on this thread are being recorded."""
    return STATE.recorder is not None


def tensor(data: Any, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """A Tensor from nested lists, numbers or an array (copied).

    Args:
        data: an array, a number, or nested lists of numbers.
        dtype: what it is converted to (default None: arrays keep theirs, real numbers get the default dtype,
            integers int64).
        requires_grad: whether this is a variable whose gradient is wanted (default False).

    Raises:
        DTypeError: gradients are asked for of a dtype that is not floating, or `data` holds no numbers.

    >>> tensor([[1.0, 2.0], [3.0, 4.0]]).dtype
    dtype('float32')
    >>> tensor([0, 2])
    Tensor([0, 2], shape=(2,), dtype=int64)
    """
    return Tensor(as_array(data, dtype), requires_grad)
