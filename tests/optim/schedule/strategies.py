"""Schedules to try, and the optimizer of PyTorch that the same are compared on."""

from hypothesis import strategies as st

from minigrad.optim.schedule import (
    Chained,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Linear,
    MultiStep,
    OneCycle,
    Plateau,
    Polynomial,
    Sequential,
    Step,
)

shares = st.floats(0.01, 1)
counts = st.one_of(st.integers(1, 50), shares)
factors = st.floats(0, 1)
simple = st.one_of(
    st.builds(Constant, factors, st.one_of(st.none(), counts)),
    st.builds(Linear, factors, factors, counts),
    st.builds(Cosine, warmup=st.floats(0, 0.99), final=factors),
    st.builds(Step, counts, shares),
    st.builds(MultiStep, st.lists(counts, max_size=3).map(tuple), shares),
    st.builds(Exponential, shares),
    st.builds(InverseTime, st.floats(1e-6, 10)),
    st.builds(Polynomial, st.floats(0.1, 4), counts),
    st.builds(CosineRestarts, counts, st.integers(1, 3), factors),
    st.builds(OneCycle, pct_start=st.floats(0.05, 0.5), div_factor=st.floats(1, 50), three_phase=st.booleans()),
    st.builds(Plateau, final=factors),
)
schedules = st.one_of(
    simple,
    st.lists(simple, min_size=1, max_size=3).map(Chained),
    st.tuples(simple, simple, st.integers(1, 60)).map(lambda t: Sequential(t[:2], t[2:])),
)

TOTAL = 40


def torch_optimizer(torch, **settings):
    groups = [{"params": [torch.ones(1)], "lr": 0.4}, {"params": [torch.ones(1)], "lr": 0.1}]
    return torch.optim.SGD(groups, momentum=0.9, **settings)
