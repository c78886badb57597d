"""A small library of functions of Tensors, some of whose derivatives are wrong."""

import minigrad as mg


def right(x):
    return mg.sin(x)


def tanh(x):
    """Its derivative is twice what it should be."""
    return 2 * mg.tanh(x) - mg.stop_gradient(mg.tanh(x))


def flat_at_zero(x):
    """Its derivative is 0 at 0."""
    return mg.where(x == 0, mg.stop_gradient(mg.sin(x)), mg.sin(x))


def product(x, y):
    """Right in y, wrong in x."""
    return mg.stop_gradient(x) * y


def along(x, axis):
    return mg.sum(mg.sin(x), axis=axis)


def no_gradient(x):
    raise_in_differentiation(x)
    return mg.sin(x)


def raise_in_differentiation(x):
    if x.node is not None or x.requires_grad:
        raise NotImplementedError("sin has no derivative here")


def needs_text(text):
    return text.upper()


def is_left_out(x):
    return x


def slow(x):
    total = x
    for _ in range(20_000):
        total = total + x
    return total


def ends_the_process(x):
    import os

    os._exit(3)


def constant_for_the_framework(x):
    return mg.stop_gradient(mg.sin(x))


class Class:
    pass


def right_and_wrong(x):
    return mg.sin(x), tanh(x)
