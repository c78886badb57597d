"""Which laws make no sense for a framework, and why."""

from __future__ import annotations


def reasons_to_leave_out(name: str, *, twice: bool, forward: bool, gradient: bool) -> dict[str, str]:
    """The laws that make no sense for any framework but minigrad, by name, each with the reason.

    Args:
        name: of the framework.
        twice: whether there are second derivatives.
        forward: whether there is a product with the Jacobian from the other side.
        gradient: whether there are first derivatives.
    """
    reasons = {
        "silence": "that a cotangent of 0 silences NaN is a promise of minigrad only",
        "accumulation": "what adds up in .grad is the framework's own",
        "reference": "only ops of minigrad have a reference",
    }
    if not twice:
        once = f"{name} differentiates once here"
        reasons |= {"second_order": once, "hessian_symmetry": once}
    if not forward:
        reasons["adjoint"] = "there is no product with the Jacobian from the other side"
    if not gradient:
        first = (
            "gradient",
            "linearity",
            "layout",
            "broadcasting",
            "repeatable",
            "purity",
            "shape_and_dtype",
            "aliasing",
        )
        reasons |= dict.fromkeys(first, "no first derivative is given")
    return reasons
