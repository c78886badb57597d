"""Each pass leaves what a program computes as it is, and does what it is for."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation import PASSES, Compiled
from minigrad.compilation.memory_passes import results_in_place, updates_when_ready
from minigrad.compilation.passes import common_subexpressions, dead_code, fold_constants
from minigrad.testing import programs
from minigrad.testing.calls.function_call import no_arithmetic_warnings
from minigrad.testing.program.op_pool import smooth_ops
from minigrad.testing.program.random_program import RandomProgram, weighted_sum
from tests.compilation.helper import assert_equal_states, classification, training

COMPLEX = {"from_parts", "fft", "ifft", "rfft", "irfft", "eig", "eigvals"}
REAL = [op for op in smooth_ops() if op.name not in {*COMPLEX, "setitem"}]
NAMED = {each.name: each for each in PASSES}
ALONE = [pytest.param((each,), id=each.name) for each in PASSES]


def names(program):
    return [instruction.name for instruction in program.instructions]


def compiled_by(function, passes, *args, calls=3):
    """A function that has been captured and been through some passes."""
    compiled = Compiled(function, passes)
    for _ in range(calls):
        compiled(*args)
    assert compiled.reason is None
    return compiled


def differentiated(program: RandomProgram):
    """The values of a random program, and its gradients, as a step of training gives them."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=np.shape(out._data)) for out in program(*program.inputs.values())]

    def step(*xs):
        for x in xs:
            x.grad = None
        outs = program(*xs)
        total = weighted_sum(outs, weights)
        if total.requires_grad:
            total.backward()
        return [out.detach() for out in outs]

    return step


@pytest.mark.parametrize("passes", [*ALONE, pytest.param(PASSES, id="all"), pytest.param((), id="none")])
@given(program=programs(ops=REAL, max_steps=6), seed=st.integers(0, 9))
def test_random_programs_give_the_same_values_and_gradients(passes, program, seed):
    step = differentiated(program)
    compiled = Compiled(step, passes)
    rng = np.random.default_rng(seed)
    with no_arithmetic_warnings():
        for _ in range(4):
            values = [x * (1 + 1e-3 * rng.random(x.shape)) for x in program.inputs.values()]
            eager, replayed = ([mg.Tensor(x, requires_grad=True) for x in values] for _ in range(2))
            expected = step(*eager)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what no program can repeat is said
                found = compiled(*replayed)
            for one, other in zip(expected, found, strict=True):
                np.testing.assert_array_equal(one.numpy(), other.numpy())
            for x, y in zip(eager, replayed, strict=True):
                assert (x.grad is None) == (y.grad is None)
                if x.grad is not None:
                    np.testing.assert_array_equal(x.grad.numpy(), y.grad.numpy())


def test_powers_of_numbers_are_those_of_arrays_without_dimensions():
    def f(x, y):
        z = mg.pow(x * 1.7, y + 0.3)
        z.backward()
        return z

    step = Compiled(f, ())
    rng = np.random.default_rng(0)
    for _ in range(100):
        pairs = [(mg.Tensor(x, requires_grad=True), mg.Tensor(x, requires_grad=True)) for x in rng.uniform(0.1, 3, 2)]
        eager, replayed = zip(*pairs, strict=True)
        assert f(*eager).item() == step(*replayed).item()
        assert [x.grad.item() for x in eager] == [x.grad.item() for x in replayed]
    assert step.program is not None


@pytest.mark.parametrize("passes", ALONE)
def test_training_is_that_of_the_eager_step(passes):
    eager, compiled = training(), training()
    compiled.step = Compiled(compiled.step, passes)
    for train in (eager, compiled):
        mg.seed(1)
        for x, y in classification(6):
            train.step(mg.Tensor(x), mg.Tensor(y))
    assert compiled.step.program is not None
    assert_equal_states(eager, compiled)


def test_dead_code_goes():
    def f(x):
        mg.exp(x)
        return mg.sin(x)

    compiled = compiled_by(f, (), mg.Tensor([1.0]))
    assert names(compiled.program) == ["exp", "sin"]
    assert names(dead_code(compiled.program)) == ["sin"]


def test_constants_are_computed_once():
    compiled = compiled_by(lambda x: x + mg.exp(mg.ones(3)), (), mg.Tensor([1.0, 2.0, 3.0]))
    assert names(compiled.program) == ["exp", "add"]
    assert names(fold_constants(compiled.program)) == ["add"]


def test_common_subexpressions_are_computed_once():
    compiled = compiled_by(lambda x: mg.exp(x) + mg.exp(x) * 2.0, (), mg.Tensor([1.0]))
    assert names(compiled.program).count("exp") == 2
    assert names(common_subexpressions(compiled.program)).count("exp") == 1


def test_other_settings_are_no_common_subexpression():
    compiled = compiled_by(lambda x: (x.sum(0), x.sum(1), x * 1, x * 1.0, x * True), (), mg.Tensor(np.ones((2, 2))))
    assert len(common_subexpressions(compiled.program).instructions) == 5


def test_what_a_checkpoint_computes_again_is_computed_again():
    w = mg.Tensor(np.ones(3), requires_grad=True)

    def step(x):
        w.grad = None
        mg.checkpoint(lambda a: mg.exp(a * w), x).sum().backward()

    compiled = compiled_by(step, (), mg.Tensor(np.arange(3.0)))
    assert names(compiled.program).count("exp") == 2
    assert names(common_subexpressions(compiled.program)).count("exp") == 2


def test_parameters_are_updated_when_their_gradients_are_ready():
    train = training(lambda: nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 5)))
    data = [(mg.Tensor(x), mg.Tensor(y)) for x, y in classification(2)]
    compiled = Compiled(train.step, ())
    for x, y in data * 2:
        compiled(x, y)
    before, after = compiled.program, updates_when_ready(compiled.program)
    first = [names(program).index("step_parameters") for program in (before, after)]
    last_rule = len(before.instructions) - 5
    assert first[0] == last_rule + 1
    assert first[1] < last_rule
    assert sorted(names(before)) == sorted(names(after))


def test_small_parameters_are_updated_in_one_call_where_groups_allow_it():
    def make():
        return nn.Sequential(nn.Linear(20, 300), nn.Tanh(), nn.Linear(300, 300), nn.Tanh(), nn.Linear(300, 5))

    trained = []
    for passes in ((), (NAMED["updates together"],), PASSES):
        mg.seed(0)
        model = make()
        first, *others = model.parameters()
        optimizer = optim.Adam([{"params": others}, {"params": [first], "lr": 0.1}])

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            mg.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

        compiled = Compiled(step, passes)
        for x, y in classification(2) * 3:
            compiled(mg.Tensor(x), mg.Tensor(y))
        trained.append([p.numpy() for p in model.parameters()])
        updates = [i for i in compiled.program.instructions if i.name == "step_parameters"]
        if passes:  # one of the other group, a large one, and what remains
            assert sorted(len(i.arguments[1]) for i in updates) == [1, 1, 4]
        else:
            assert len(updates) == 6
    for p, q, r in zip(*trained, strict=True):
        np.testing.assert_array_equal(p, q)
        np.testing.assert_array_equal(p, r)


def test_an_update_does_not_pass_what_needs_the_old_values():
    """The rule for h takes w, when the gradient of w is complete already."""
    w, v = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([w, v], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        h = mg.exp(v * x)
        (w * h).sum().backward()
        optimizer.step()

    compiled = Compiled(step, (NAMED["updates when ready"],))
    for k in range(5):
        before = w.numpy().copy(), v.numpy().copy()
        x = np.array([1.0, 0.1 * k])
        compiled(mg.Tensor(x))
        h = np.exp(before[1] * x)
        np.testing.assert_allclose(w.numpy(), before[0] - 0.1 * h, rtol=1e-6)
        np.testing.assert_allclose(v.numpy(), before[1] - 0.1 * before[0] * h * x, rtol=1e-6)
    instructions = compiled.program.instructions
    update = next(k for k, i in enumerate(instructions) if w in i.writes)
    load = next(i for i in instructions if i.kind == "load" and i.arguments[0].value is w)
    assert all(k < update for k, i in enumerate(instructions) if load.results in i.reads)


def test_sums_of_cotangents_take_the_memory_of_one_of_them():
    w = mg.Tensor(np.ones(5), requires_grad=True)

    def step(x):
        w.grad = None
        y = mg.exp(w * x)
        (mg.sin(y) + mg.cos(y)).sum().backward()

    compiled = compiled_by(step, (), mg.Tensor(np.arange(5.0)))
    sums = [i for i in results_in_place(compiled.program).instructions if i.kind == "accumulate"]
    assert [i.into is not None for i in sums] == [True]


def test_memory_of_results_arguments_and_states_is_never_taken():
    w = mg.Tensor([1.0, 2.0])

    def f(x):
        return x + w, (x * w) + (x - w), w * 2.0

    compiled = compiled_by(f, (NAMED["results in place"],), mg.Tensor([3.0, 4.0]))
    x = mg.Tensor([3.0, 4.0])
    for _ in range(2):
        assert [y.tolist() for y in compiled(x)] == [[4.0, 6.0], [5.0, 10.0], [2.0, 4.0]]
        assert (x.tolist(), w.tolist()) == ([3.0, 4.0], [1.0, 2.0])
    for instruction in compiled.program.instructions:
        assert instruction.into not in set(compiled.program.arguments) | compiled.program.returned


def test_chains_of_elementwise_calls_become_one_loop():
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    w = mg.Tensor(rng.normal(size=(64, 64)), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        y = mg.tanh(w * x + 1.0) * mg.sigmoid(w - x)
        loss = (y + y * y).sum()
        loss.backward()
        return loss

    compiled = Compiled(step)
    for k in range(5):
        x = mg.Tensor(rng.normal(size=(64, 64)))
        expected = step(x).item(), w.grad.numpy().copy()
        assert compiled(x).item() == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(w.grad.numpy(), expected[1], rtol=1e-9, atol=1e-12, err_msg=str(k))
    fused = [i for i in compiled.program.instructions if i.kind == "fused"]
    assert fused
    assert sum(len(i.parts) for i in fused) > 10
    assert len(compiled.program.instructions) < 15


def test_a_loop_ends_before_a_call_that_takes_one_of_its_values():
    pytest.importorskip("numba")

    def f(x):
        a = mg.exp(x) * 0.5
        return a * mg.cumulative_sum(a, axis=0) + 1.0

    compiled, rng = Compiled(f), np.random.default_rng(0)
    for _ in range(4):
        x = mg.Tensor(rng.normal(size=(64, 64)))
        np.testing.assert_allclose(compiled(x).numpy(), f(x).numpy(), rtol=1e-12)
    assert [i.kind for i in compiled.program.instructions] == ["fused", "op", "fused"]


def test_a_call_alone_is_a_loop_in_the_memory_of_what_it_takes():
    pytest.importorskip("numba")

    def f(x):
        return mg.tanh(x @ x)

    compiled, rng = Compiled(f), np.random.default_rng(0)
    for k in range(5):
        x = mg.Tensor(rng.normal(size=(64, 64)))
        x = x.T if k == 4 else x
        np.testing.assert_array_equal(compiled(x).numpy(), f(x).numpy(), err_msg=str(k))
    (tanh,) = [i for i in compiled.program.instructions if i.name == "tanh"]
    assert tanh.kind == "fused"
    assert tanh.into is not None


def test_a_loop_of_which_nothing_is_needed_is_none():
    pytest.importorskip("numba")

    def f(x):
        mg.exp(x * 2.0)
        return x + 1.0

    compiled = compiled_by(f, (NAMED["elementwise fusion"],), mg.Tensor(np.ones((64, 64))))
    assert compiled(mg.Tensor(np.ones((64, 64)))).numpy().max() == 2.0


def test_a_loop_takes_layouts_that_differ_and_nan_behind_cotangents_of_zero():
    pytest.importorskip("numba")
    w = mg.Tensor(np.full((64, 64), 2.0), requires_grad=True)

    def step(x):
        w.grad = None
        y = mg.where(x > 0, mg.sqrt(w * mg.maximum(x, 0.0)), 0.0)
        (y * 2.0 + y).sum().backward()

    compiled = Compiled(step)
    rng = np.random.default_rng(0)
    for _ in range(5):
        for turn in (lambda a: a, np.transpose, lambda a: np.repeat(a, 2, 1)[:, ::2]):
            x = mg.Tensor(rng.normal(size=(64, 64)))
            x._data = turn(x._data)
            step(x)
            expected = w.grad.numpy().copy()
            compiled(x)
            np.testing.assert_allclose(w.grad.numpy(), expected, rtol=1e-12)
    assert compiled.reason is None


def test_dropout_and_cross_entropy_stay_the_same_with_all_passes_on_large_batches():
    train = [
        training(lambda: nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 5))) for _ in "ab"
    ]
    train[1].step = mg.compile(train[1].step)
    for each in train:
        mg.seed(2)
        for x, y in classification(6, batch=64):
            each.step(mg.Tensor(x), mg.Tensor(y))
    for p, q in zip(train[0].model.parameters(), train[1].model.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=2e-5, atol=1e-7)


def test_a_rule_for_several_inputs_is_one_call_and_keeps_the_rule_of_silence():
    scale, w, b = (mg.Tensor(np.ones(n, np.float32), requires_grad=True) for n in (1, 60, 60))

    def step(x, kept):
        scale.grad = w.grad = b.grad = None
        mg.where(kept, mg.functional.layer_norm(x * scale, 60, w, b) ** 2, 0.0).sum().backward()
        return [p.grad for p in (scale, w, b)]

    replayed = mg.compile(step)
    kept = np.arange(50)[:, None] != 7
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(50, 60)).astype(np.float32)
        x[7, 7] = np.inf if seed == 3 else 0
        with np.errstate(invalid="ignore"):
            for found, expected in zip(replayed(mg.Tensor(x), kept), step(mg.Tensor(x), kept), strict=True):
                assert np.isfinite(expected.numpy()).all()
                np.testing.assert_array_equal(found, expected)
    assert [i.name for i in replayed.program.instructions].count("standardize_layer.x_w_b") == 1


PIECES = {
    "slices of the last axis": lambda x: mg.split(x, 3, axis=-1),
    "an ellipsis": lambda x: (x[..., :4], x[..., 4:5], x[..., 5:]),
    "single places": lambda x: mg.unstack(x, axis=1),
    "moved dimensions": lambda x: mg.permute_dims(mg.reshape(x, (6, 5, 3, 3)), (2, 0, 3, 1)),
    "rows from the end": lambda x: (x[-2:], x[:-2]),
}
OTHERS = {
    "a part is taken twice": lambda x: (x[:4], x[3:], x[3:4]),
    "a part is missing": lambda x: (x[:2], x[3:]),
    "every second one": lambda x: (x[::2], x[1::2]),
    "a place and a range": lambda x: (x[-1], x[:-1]),
    "two axes": lambda x: (x[:3], x[3:, :2], x[3:, 2:]),
    "an array of places": lambda x: (x[np.array([0, 1, 2])], x[3:]),
}


def weighted_pieces(cut):
    """A step whose result is a sum of all pieces, each with weights of its own, and the gradient that it leaves."""
    rng = np.random.default_rng(0)
    x = mg.Tensor(rng.normal(size=(6, 5, 9)), requires_grad=True)
    weights = [rng.normal(size=piece.shape) for piece in cut(x)]

    def step():
        x.grad = None
        weighted_sum([mg.square(piece) for piece in cut(x * 2.0)], weights).backward()

    return x, step


@pytest.mark.parametrize("cut", [*PIECES.values(), *OTHERS.values()], ids=[*PIECES, *OTHERS])
def test_cotangents_of_pieces_are_written_side_by_side_where_they_are_the_whole(cut):
    x, step = weighted_pieces(cut)
    step()
    expected = x.grad.numpy().copy()
    compiled = compiled_by(step, PASSES, calls=4)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    joined = "concatenate" in names(compiled.program)
    assert joined == (cut in PIECES.values())
    assert not (joined and any(name in ("getitem.x", "accumulate") for name in names(compiled.program)))


def test_a_reshape_of_pieces_side_by_side_lies_in_their_memory():
    _, step = weighted_pieces(PIECES["moved dimensions"])
    program = compiled_by(step, PASSES).program
    (joined,) = [i for i in program.instructions if i.name == "concatenate"]
    (reshaped,) = [i for i in program.instructions if i.name == "reshape.x"]
    assert program.storage(reshaped.results) == program.storage(joined.results) == joined.results
    (turned,) = [i for i in program.instructions if i.name == "permute_dims.x"]
    out = joined.function(*[np.zeros(program.values[number].shape) for number in joined.reads])
    axes = [axis.value for axis in turned.settings["axes"]]
    assert out.transpose(np.argsort(axes)).flags.c_contiguous  # so that to reshape it copies nothing
