"""Checks that all ranks have the same: what they are about to train, and later its weights, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from minigrad.autograd.tensor import Tensor
from minigrad.distributed.group import Group
from minigrad.errors import DistributedError


def require_equal(group: Group, facts: Mapping[str, object], what: str) -> None:
    """Raise the same error on all ranks unless all have the same facts.

    Args:
        group: the ranks.
        facts: values that can be compared and pickled, by what they are, such as {"batches": 100}.
        what: what they are facts of, for messages.

    Raises:
        DistributedError: names the first rank that differs from rank 0, and each fact that does.
    """
    reference = group.broadcast(dict(facts), what)
    differing = [
        f"{name} is {facts.get(name, 'missing')} here and {reference.get(name, 'missing')} on rank 0"
        for name in {**reference, **facts}
        if facts.get(name) != reference.get(name)
    ]
    found = group.all_gather("; ".join(differing), what)
    for rank, text in enumerate(found):
        if text:
            raise DistributedError(f"the ranks do not agree in {what}: on rank {rank} {text}", rank=rank, reporter=0)


def parameter_facts(parameters: Sequence[Tensor], names: Sequence[str] | None = None) -> dict[str, object]:
    """What must be equal of parameters: number, shapes, dtypes, and which of them are trained."""
    facts: dict[str, object] = {"the number of parameters": len(parameters)}
    for k, p in enumerate(parameters):
        name = names[k] if names is not None else f"parameter {k}"
        facts[name] = f"{p.dtype} {p.shape}" + ("" if p.requires_grad else ", frozen")
    return facts


def require_equal_bits(group: Group, parameters: Sequence[Tensor], step: int) -> None:
    """Raise an error unless all ranks have the same weights, bit for bit.

    Args:
        group: the ranks.
        parameters: the weights.
        step: how many steps have been made, for the message.

    Raises:
        DistributedError: names the rank and the first parameter that differs from rank 0's.
    """
    digests = [hashlib.blake2b(p._data.tobytes(), digest_size=8).digest() for p in parameters]
    whole = group.all_gather(hashlib.blake2b(b"".join(digests), digest_size=8).digest(), "a check of the weights")
    if all(digest == whole[0] for digest in whole):
        return
    everywhere = group.all_gather(digests, "a check of the weights")
    rank = next(r for r, digest in enumerate(whole) if digest != whole[0])
    place = next(k for k, (a, b) in enumerate(zip(everywhere[rank], everywhere[0], strict=True)) if a != b)
    raise DistributedError(
        f"after {step} steps the weights of rank {rank} are not those of rank 0: parameter {place}, of shape "
        f"{parameters[place].shape}, is the first that differs. Something changes weights on one rank only, or draws "
        "random numbers between backward and step",
        rank=rank,
        reporter=0,
    )
