"""`ParameterList` and `ParameterDict`: parameters by position and by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import NoReturn, Self, overload

from minigrad.autograd.tensor import Tensor
from minigrad.errors import MinigradError, UsageError
from minigrad.nn.attribute import is_variable
from minigrad.nn.container import check_name
from minigrad.nn.module import Module, Parameter
from minigrad.typing import ArrayLike


class ParameterContainer(Module):
    """Parameters under positions or names. It is not called itself."""

    def forward(self, *inputs: object, **settings: object) -> NoReturn:
        """A container of parameters computes nothing.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"a {type(self).__name__} only holds parameters: compute with its items")

    def _set(self, name: str, value: object) -> None:
        """Register a variable as it is, and numbers as a new one."""
        kind = type(self).__name__
        if isinstance(value, Module):
            raise UsageError(f"{kind}: item {name} is a {type(value).__name__}: modules go to a nn.{_OF_MODULES[kind]}")
        if isinstance(value, Tensor) and value.node is not None and not is_variable(value):
            raise UsageError(
                f"{kind}: item {name} is the result of an operation, whose gradient would not come to rest: "
                "give nn.Parameter(x.data), or an operand of it"
            )
        if not is_variable(value):
            try:
                value = Parameter(value)  # type: ignore[arg-type]
            except (TypeError, ValueError, MinigradError) as error:
                raise UsageError(
                    f"{kind}: item {name} is a {type(value).__name__}, which is no parameter ({error}): "
                    "use nn.Parameter(values) with floating numbers"
                ) from error
        assert isinstance(value, Tensor)
        self.register_parameter(name, value)

    def _keep(self, name: str, tensor: Tensor) -> None:
        """Share a parameter of another container, one that is not trained at present included."""
        self._kinds[name] = "parameter"
        self.__dict__[name] = tensor

    def extra_repr(self) -> str:
        """The dtype and the shape of each parameter."""
        return ", ".join(f"{name}: {p.dtype} {p.shape}" for name, p in self.named_parameters())


_OF_MODULES = {"ParameterList": "ModuleList", "ParameterDict": "ModuleDict"}


class ParameterList(ParameterContainer):
    """A list of parameters, registered under their positions.

    Args:
        values: variables, which are kept; or arrays and numbers, of which new parameters are made (default None: no
            items).

    Shapes: none, as the list itself cannot be called.

    Raises:
        UsageError: `values` is no iterable, an item cannot be a parameter, or the list itself is called.

    >>> scales = ParameterList([[1.0, 2.0], [3.0]])
    >>> len(scales), [name for name, _ in scales.named_parameters()], scales[-1].tolist()
    (2, ['0', '1'], [3.0])
    """

    def __init__(self, values: Iterable[ArrayLike] | None = None) -> None:
        self.extend(() if values is None else values)

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[Tensor]:
        return iter([self.__dict__[name] for name in self._kinds])

    def __contains__(self, value: object) -> bool:
        return any(p is value for p in self)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> ParameterList: ...
    def __getitem__(self, index: int | slice) -> Tensor | ParameterList:
        if not isinstance(index, slice):
            parameter: Tensor = self.__dict__[self._name_at(index)]
            return parameter
        part = ParameterList()
        for i, parameter in enumerate(list(self)[index]):
            part._keep(str(i), parameter)
        return part

    def __setitem__(self, index: int, value: ArrayLike) -> None:
        self._set(self._name_at(index), value)

    def _name_at(self, index: int) -> str:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"ParameterList of {count} parameters has no item {index}")
        return str(index % count)

    def append(self, value: ArrayLike) -> Self:
        """Add a parameter at the end.

        Args:
            value: a variable, or numbers to make one of.

        Raises:
            UsageError: it cannot be a parameter.
        """
        self._set(str(len(self)), value)
        return self

    def extend(self, values: Iterable[ArrayLike]) -> Self:
        """Add parameters at the end.

        Args:
            values: the new last items, in order.

        Raises:
            UsageError: it is no list of parameters, or an item cannot be one.
        """
        if not isinstance(values, Iterable) or isinstance(values, (Tensor, str, bytes)):
            raise UsageError(
                f"ParameterList: a {type(values).__name__} is no list of parameters: write ParameterList([p, q])"
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[ArrayLike]) -> Self:
        return self.extend(values)


class ParameterDict(ParameterContainer, MutableMapping[str, Tensor]):
    """A dict of parameters, registered under their keys, in the order of insertion.

    It has the methods of a dict.

    Args:
        parameters: a dict, or pairs of key and value; variables are kept, of arrays and numbers new parameters are made
            (default None: no items).

    Shapes: none, as the dict itself cannot be called.

    Raises:
        UsageError: an item cannot be a parameter, its key cannot be the name of one, or the dict itself is called.

    >>> table = ParameterDict({"scale": [1.0, 2.0], "shift": [0.0]})
    >>> list(table), table["scale"].tolist(), table.get("bias")
    (['scale', 'shift'], [1.0, 2.0], None)
    """

    __eq__ = object.__eq__  # of modules, not of mappings
    __hash__ = object.__hash__

    def __init__(self, parameters: Mapping[str, ArrayLike] | Iterable[tuple[str, ArrayLike]] | None = None) -> None:
        self.update({} if parameters is None else parameters)  # type: ignore[arg-type]  # numbers become Tensors

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._kinds))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._kinds))

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._kinds:
            raise KeyError(f"{name!r}: this ParameterDict has {', '.join(self) or 'no parameters'}")
        parameter: Tensor = self.__dict__[name]
        return parameter

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        check_name(self, name, "parameter")
        self._set(name, value)

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def copy(self) -> ParameterDict:
        """Another dict of the same parameters."""
        other = ParameterDict()
        for name, parameter in self.items():
            other._keep(name, parameter)
        return other

    def setdefault(self, name: str, default: ArrayLike | None = None) -> Tensor:
        """The parameter of a name, which is made if there is none.

        Args:
            name: the key.
            default: a variable, or numbers to make one of; needed where there is no such key (default None).

        Raises:
            UsageError: a new one is needed, and the default cannot be a parameter.
        """
        if name not in self:
            self[name] = default  # type: ignore[assignment]
        return self[name]

    def __or__(self, other: Mapping[str, ArrayLike]) -> ParameterDict:
        joined = self.copy()
        joined.update(other)  # type: ignore[arg-type]
        return joined

    def __ior__(self, other: Mapping[str, ArrayLike]) -> Self:
        self.update(other)  # type: ignore[arg-type]
        return self
