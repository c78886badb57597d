"""Faults of the engine, to be planted into it for a while: what random programs must find."""

import inspect

import numpy as np

import minigrad
from minigrad.autograd import backward, rule


def drop_accumulation(monkeypatch):
    """Where a value is used several times, only what arrives last counts."""
    added = "cotangent if earlier is None else earlier + cotangent"
    source = inspect.getsource(backward._walk)
    assert added in source
    names = dict(vars(backward))
    exec(source.replace(added, "cotangent"), names)
    monkeypatch.setattr(backward, "_walk", names["_walk"])


def average_over_stretched_axes(monkeypatch):
    """Undoing a broadcast of axes of size 1 takes the mean where it should take the sum."""
    right = backward.unbroadcast

    def wrong(cotangent, parent, plan, pull, record):
        out = right(cotangent, parent, plan, pull, record)
        axes = cotangent.shape[len(cotangent.shape) - len(parent.shape) :]
        for wide, size in zip(axes, parent.shape, strict=True):
            out = out / wide if size == 1 else out
        return out

    monkeypatch.setattr(backward, "unbroadcast", wrong)


def overwrite_saved_values(monkeypatch):
    """An op keeps what its rules need in one buffer for each shape, which its next call overwrites."""
    right = rule.Plan._saver

    def saver(plan):
        save, buffers = right(plan), {}

        def kept(k, value):
            if not isinstance(value, np.ndarray):
                return value
            buffer = buffers.setdefault((k, value.shape, value.dtype), np.empty_like(value))
            buffer[...] = value
            return buffer

        return lambda values: tuple([kept(k, value) for k, value in enumerate(save(values))])

    monkeypatch.setattr(rule.Plan, "_saver", saver)
    forget_plans(monkeypatch)


def forget_plans(monkeypatch):
    """Let ops make new plans, and go back to their old ones at the end."""
    for op in minigrad.REGISTRY.values():
        monkeypatch.setattr(op, "_plans", {})
        monkeypatch.setattr(op, "_short_plans", [None] * 4)


FAULTS = {fault.__name__: fault for fault in (drop_accumulation, average_over_stretched_axes, overwrite_saved_values)}
