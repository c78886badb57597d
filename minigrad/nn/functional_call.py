"""Modules as functions of their parameters: `functional_call`, and modules as containers of what is differentiated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minigrad.autograd.nested import Container, register_container
from minigrad.autograd.tensor import Tensor, wrap
from minigrad.errors import ShapeError, StateError, UsageError
from minigrad.nn.module import Module
from minigrad.nn.module_base import BUFFERS, PARAMETERS, ModuleBase
from minigrad.typing import ArrayLike

Tensors = Mapping[str, ArrayLike]


def functional_call(
    model: Module,
    params: Tensors | Sequence[Tensors],
    args: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """model(*args, **kwargs) with other parameters and buffers, as `torch.func.functional_call` does it.

    The model's own come back afterwards, also when the call raises. A model is thereby a function of its parameters,
    which can be differentiated:

        params = dict(model.named_parameters())
        mg.grad(lambda p: loss(mg.functional_call(model, p, x), y))(params)     # a dict of gradients by path

    Args:
        model: the module to call.
        params: parameters and buffers by path, Tensors or arrays in the shapes of the model's; or several such dicts.
            What is left out stays the model's. A buffer that the call writes, such as a running mean, is written in the
            Tensor that was given.
        args: the inputs as a tuple (default (): none); anything else is the only input.
        kwargs: what the call takes by keyword (default None: nothing).
        tie_weights: whether a Tensor that the model has under several paths is replaced under all of them when it is
            given under one (default True).
        strict: whether all parameters and buffers must be given (default False).

    Returns:
        What the model returns.

    Raises:
        StateError: a path leads to no parameter or buffer, is given twice, or is missing when `strict`.
        ShapeError: a value has another shape than the model's.
        UsageError: `model` is no module; or different values are given for a Tensor that is shared.

    >>> from minigrad import nn
    >>> layer = nn.Linear(2, 1)
    >>> functional_call(layer, {"weight": [[1.0, 1.0]], "bias": [0.0]}, Tensor([[3.0, 4.0]])).tolist()
    [[7.0]]
    """
    if not isinstance(model, Module):
        raise UsageError(f"functional_call takes a module, not {type(model).__name__}")
    given = _joined([params] if isinstance(params, Mapping) else params)
    inputs = args if isinstance(args, tuple) else (args,)
    with _replaced(model, given, tie_weights, strict):
        return model(*inputs, **(kwargs or {}))


def _joined(dicts: Sequence[Tensors]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for part in dicts:
        twice = [path for path in part if path in found]
        if twice:
            raise StateError(f"functional_call: {', '.join(twice)} stands in more than one of the dicts")
        found |= {path: value if isinstance(value, Tensor) else Tensor(value) for path, value in part.items()}
    return found


@contextmanager
def _replaced(model: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Inside this block the model has other parameters and buffers."""
    own = dict(model._named_tensors((*PARAMETERS, *BUFFERS), once=False))
    _check(type(model).__name__, own, given, strict)
    values = _tied(own, given) if tie_weights else given
    places = [(_owner(model, path), path.rpartition(".")[2]) for path in values]
    former = [owner.__dict__[name] for owner, name in places]
    try:
        for (owner, name), value in zip(places, values.values(), strict=True):
            owner.__dict__[name] = value  # past the checks of assignments: a parameter may be any Tensor here
        yield
    finally:
        for (owner, name), value in zip(places, former, strict=True):
            owner.__dict__[name] = value


def _owner(model: Module, path: str) -> Module:
    return model.get_submodule(path.rpartition(".")[0])


def _check(kind: str, own: dict[str, Tensor], given: dict[str, Tensor], strict: bool) -> None:
    unknown = [path for path in given if path not in own]
    missing = [path for path in own if path not in given] if strict else []
    if unknown or missing:
        fault = f"it has no {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
        raise StateError(f"functional_call of {kind}: {fault}. It has {', '.join(own) or 'no parameters'}")
    for path, value in given.items():
        if value.shape != own[path].shape:
            raise ShapeError(
                f"functional_call of {kind}: {path} has shape {own[path].shape}, and was given {value.shape}"
            )


def _tied(own: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What is given, under every path of the Tensors that it replaces."""
    new: dict[int, tuple[str, Tensor]] = {}
    for path, value in given.items():
        first, other = new.setdefault(id(own[path]), (path, value))
        if other is not value:
            raise UsageError(
                f"functional_call: {first} and {path} are one Tensor in the model, and were given different values: "
                "give one of them, or tie_weights=False"
            )
    return {path: new[id(tensor)][1] for path, tensor in own.items() if id(tensor) in new}


# ---- modules as containers -----------------------------------------------------------------------------------------


def _parameters(module: Module) -> list[tuple[str, Tensor]]:
    return [(f".{path}", tensor) for path, tensor in module.named_parameters()]


def _with_parameters(module: Module, values: list[Any]) -> Module:
    """The module with other values for its parameters: a new one, which shares buffers and all else with it."""
    new = {id(tensor): _distinct(value) for (_, tensor), value in zip(_parameters(module), values, strict=True)}
    copies: dict[int, ModuleBase[Any]] = {}

    def part(value: Any) -> Any:
        return copied(value) if isinstance(value, ModuleBase) else new.get(id(value), value)

    def copied(original: ModuleBase[Any]) -> ModuleBase[Any]:
        if id(original) not in copies:
            result = copies[id(original)] = type(original).__new__(type(original))
            kinds = dict(original._kinds)
            parts = {name: part(x) if name in kinds else x for name, x in original.__dict__.items()}
            result.__dict__.update(parts, _kinds=kinds)
        return copies[id(original)]

    result = copied(module)
    assert isinstance(result, Module)
    return result


def _distinct(value: Any) -> Any:
    """The same value as an object of its own: one Tensor at two places would be a shared parameter."""
    return wrap(value._data, value.node) if isinstance(value, Tensor) else value


register_container(Module, Container(_parameters, _with_parameters))
