"""What a compiled function does is what the function does; a change of what it depends on is noticed."""

import io

import numpy as np
import pytest

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import nn, optim
from minigrad.errors import DataError, UsageError
from minigrad.rng import default_rng
from tests.compilation.helper import assert_equal_states, classification, network, training, warnings_of

pytestmark = pytest.mark.filterwarnings("error:compile")


def both(model=network, **settings):
    eager, compiled = training(model, **settings), training(model, **settings)
    compiled.step = mg.compile(compiled.step)
    return eager, compiled


def run(train, data, seed=1):
    mg.seed(seed)
    return [train.step(mg.Tensor(x), mg.Tensor(y)) for x, y in data]


def test_training_is_that_of_the_eager_step_bit_for_bit():
    eager, compiled = both()
    losses = [[loss.item() for loss in run(train, classification(8))] for train in (eager, compiled)]
    assert losses[0] == losses[1]
    assert_equal_states(eager, compiled)
    assert compiled.step.program is not None
    assert compiled.step.reason is None


def test_the_third_call_with_the_same_shapes_is_replayed():
    _, compiled = both()
    lines, step = io.StringIO(), compiled.step.function
    compiled.step = mg.compile(lambda x, y: print("called", file=lines) or step(x, y))
    run(compiled, classification(5))
    assert lines.getvalue() == "called\n" * 2


def test_a_step_may_be_decorated():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)

    @mg.compile
    def step(x):
        """Doubles."""
        w.grad = None
        loss = (w * x).sum()
        loss.backward()
        return loss, {"double": x * 2}

    for k in range(5):
        loss, more = step(mg.Tensor([1.0, float(k)]))
        assert loss.item() == 1 + 2 * k
        assert more["double"].tolist() == [2.0, 2.0 * k]
        assert w.grad.tolist() == [1.0, k]
    assert step.__doc__ == "Doubles."
    assert step.program is not None


def test_results_are_not_overwritten_by_the_next_call():
    eager, compiled = both()
    first = [loss.item() for loss in run(eager, classification(8))]
    kept = run(compiled, classification(8))
    assert [loss.item() for loss in kept] == first


def test_gradients_of_an_earlier_call_stay_with_who_holds_them():
    _, compiled = both()
    held = []
    for x, y in classification(6):
        compiled.step(mg.Tensor(x), mg.Tensor(y))
        g = compiled.model[0].weight.grad
        held.append((g, g.numpy().copy()))
    for g, copy in held:
        np.testing.assert_array_equal(g.numpy(), copy)


def test_a_loss_that_is_returned_has_a_freed_graph_as_the_eager_one():
    _, compiled = both()
    loss = run(compiled, classification(4))[-1]
    assert loss.requires_grad
    with pytest.raises(mg.FreedGraphError):
        loss.backward()


def test_another_shape_gets_a_program_of_its_own():
    eager, compiled = both()
    data = classification(4) + classification(4, batch=3) + classification(3)
    assert [x.item() for x in run(eager, data)] == [x.item() for x in run(compiled, data)]
    assert_equal_states(eager, compiled)


def test_evaluation_mode_is_noticed_and_training_goes_on_afterward():
    eager, compiled = both()
    for train in (eager, compiled):
        run(train, classification(4))
        train.model.eval()
        run(train, classification(4, seed=5))
        train.model.train()
        run(train, classification(4, seed=6))
    assert_equal_states(eager, compiled)


def test_a_changed_attribute_is_noticed():
    eager, compiled = both()
    for train in (eager, compiled):
        run(train, classification(4))
        train.model[3].p = 0.6
        run(train, classification(4))
    assert_equal_states(eager, compiled)


def test_a_changed_learning_rate_needs_no_other_program():
    eager, compiled = both()
    for train in (eager, compiled):
        run(train, classification(4))
        train.optimizer.param_groups[0]["lr"] = 0.01
    program = compiled.step.program
    for train in (eager, compiled):
        run(train, classification(4))
    assert_equal_states(eager, compiled)
    assert compiled.step.program is program


def test_loaded_states_are_used():
    eager, compiled = both()
    for train in (eager, compiled):
        run(train, classification(3))
        saved = train.model.state_dict(), train.optimizer.state_dict()
        saved = ({name: array.copy() for name, array in saved[0].items()}, saved[1])
        run(train, classification(3, seed=3))
        train.model.load_state_dict(saved[0])
        train.optimizer.load_state_dict(saved[1])
        run(train, classification(4, seed=4))
    assert_equal_states(eager, compiled)


def test_a_frozen_parameter_is_noticed():
    eager, compiled = both()
    for train in (eager, compiled):
        run(train, classification(4))
        train.model[0].weight.requires_grad = False
        run(train, classification(4))
    assert_equal_states(eager, compiled)


def test_another_dtype_of_the_parameters_is_noticed():
    model = nn.Linear(3, 2)
    predict = mg.compile(model)
    x = mg.Tensor(np.ones((2, 3), np.float32))
    with mg.no_grad():
        for _ in range(3):
            predict(x)
        model.astype(np.float64)
        assert predict(x).dtype == np.float64


def test_closure_variables_and_python_arguments_count_by_value():
    scale = 2.0

    def f(x, power, *, shift=0.0):
        return x**power * scale + shift

    g = mg.compile(f)
    x = mg.Tensor([1.0, 2.0])
    for scale in (2.0, 3.0, 2.0):  # noqa: B007  (f reads it)
        for power in (2, 3, 2):
            for shift in (0.0, 1.0):
                for _ in range(3):
                    assert g(x, power, shift=shift).tolist() == f(x, power, shift=shift).tolist()


FACTOR = 2.0


def test_a_changed_global_is_noticed(monkeypatch):
    f = mg.compile(lambda x: x * FACTOR)
    x = mg.Tensor([1.0])
    assert [f(x).item() for _ in range(4)] == [2.0] * 4
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert [f(x).item() for _ in range(4)] == [5.0] * 4


def test_values_assigned_to_a_tensor_outside_are_used():
    table = mg.Tensor([1.0, 2.0])
    f = mg.compile(lambda x: x + table)
    for values in ([1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]):
        table.data = values
        assert f(mg.Tensor([0.0, 0.0])).tolist() == values


def test_gradients_accumulate_where_they_are_not_cleared():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)

    @mg.compile
    def add(x):
        (w * x).sum().backward()

    total = np.zeros(2)
    for k in range(6):
        add(mg.Tensor([1.0, k + 0.5]))
        total += [1.0, k + 0.5]
        np.testing.assert_array_equal(w.grad.numpy(), total)
    w.grad = None
    add(mg.Tensor([1.0, 2.0]))
    assert w.grad.tolist() == [1.0, 2.0]


def test_a_variable_among_the_arguments_gets_its_gradient():
    @mg.compile
    def step(x):
        (x * x).sum().backward()

    for k in range(5):
        x = mg.Tensor([1.0, float(k)], requires_grad=True)
        step(x)
        assert x.grad.tolist() == [2.0, 2.0 * k]


def test_draws_are_those_of_the_eager_function():
    def noisy(x):
        return x + mg.randn(3) * F.dropout(x, 0.5)

    compiled, draws = mg.compile(noisy), []
    for f in (noisy, compiled):
        mg.seed(3)
        draws.append([f(mg.Tensor([1.0, 2.0, 3.0])).tolist() for _ in range(6)])
    assert draws[0] == draws[1]


def test_gradients_of_functions_inside_are_captured():
    f = mg.compile(mg.value_and_grad(lambda x: (x**3).sum()))
    for k in range(5):
        value, gradient = f(mg.Tensor([1.0, float(k)]))
        assert value.item() == 1 + k**3
        assert gradient.tolist() == [3.0, 3.0 * k**2]
    assert f.program is not None


def test_ignored_class_numbers_choose_their_program():
    loss = mg.compile(lambda x, y: F.cross_entropy(x, y, ignore_index=0))
    rng = np.random.default_rng(0)
    for classes in ([1, 2], [2, 1], [1, 1], [0, 2], [2, 0], [0, 1], [1, 2], [2, 0]):
        x, y = mg.Tensor(rng.normal(size=(2, 3))), mg.Tensor(np.array(classes))
        assert loss(x, y).item() == F.cross_entropy(x, y, ignore_index=0).item()


def test_a_class_that_does_not_exist_is_an_error_in_a_replay_too():
    _, compiled = both()
    run(compiled, classification(4))
    x, y = classification(1)[0]
    with pytest.raises(DataError, match="class 9"):
        compiled.step(mg.Tensor(x), mg.Tensor(np.full_like(y, 9)))


def test_parameters_may_be_updated_without_an_optimizer():
    found = []
    for wrapped in (lambda f: f, mg.compile):
        w = mg.Tensor([1.0, 2.0], requires_grad=True)

        def step(x, w=w):
            w.grad = None
            ((w * x) ** 2).sum().backward()
            with mg.no_grad():
                w -= 0.1 * w.grad
            return (w * x).detach()

        run = wrapped(step)
        found.append([run(mg.Tensor([1.0, 0.3 * k])).tolist() for k in range(6)] + [w.tolist()])
        assert wrapped is not mg.compile or run.program is not None
    assert found[0] == found[1]


def test_values_that_are_updated_and_used_again_are_the_new_ones():
    """Two networks that train against each other: what the first one gives after its update is read anew."""
    found = []
    for wrapped in (lambda f: f, mg.compile):
        mg.seed(0)
        maker, judge = nn.Linear(3, 3), nn.Linear(3, 1)
        optimizers = [optim.SGD(net.parameters(), lr=0.1) for net in (maker, judge)]

        def step(x, maker=maker, judge=judge, optimizers=optimizers):
            losses = []
            for optimizer, sign in zip(optimizers, (1.0, -1.0), strict=True):
                optimizer.zero_grad()
                loss = sign * mg.tanh(judge(mg.tanh(maker(x)))).mean()
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
            return losses

        run, rng = wrapped(step), np.random.default_rng(0)
        found.append([[y.item() for y in run(mg.Tensor(rng.normal(size=(4, 3)).astype(np.float32)))] for _ in range(6)])
        assert wrapped is not mg.compile or run.program is not None
    assert found[0] == found[1]


def test_tensors_of_a_closure_are_told_apart_from_those_that_are_written():
    """Their shapes do not fit, and comparing their elements would be an error."""
    train = training()
    ((x, y),) = classification(1, batch=12)
    x, y = mg.Tensor(x), mg.Tensor(y)
    step = mg.compile(lambda: train.step(x, y))
    for _ in range(4):
        step()
    assert step.program is not None


def test_numbers_that_are_returned_as_they_are_are_those_of_each_call():
    @mg.compile
    def f(x):
        y = (x * x).sum()
        return float(y), {"double": (y * 2).item(), "x": [x.max().item()]}

    for k in range(6):
        assert f(mg.Tensor([1.0, k + 1.0])) == (1 + (k + 1) ** 2, {"double": 2 * (1 + (k + 1) ** 2), "x": [k + 1]})
    assert f.program is not None


def test_numbers_that_are_changed_on_their_way_out_are_said():
    def shown(x):
        return format(x.sum(), ".1f")

    def added(x):
        return x.sum().item() + 1.0

    def chosen(x):
        return float(x.sum()) if x.sum().item() > 2 else 0.0

    def whole(x):
        return int(x.sum())

    def looked_at_and_returned(x):
        y = float(x.sum())
        return y if y < 2 else 0.0

    for f in (shown, added, chosen, whole, looked_at_and_returned):
        compiled = mg.compile(f)
        assert "number" in eager_reason(compiled, mg.Tensor([1.0]))
        assert compiled(mg.Tensor([7.0])) == f(mg.Tensor([7.0]))


def test_decisions_by_the_default_generator_are_said():
    def f(x):
        y = F.dropout(x, 0.5)
        return y * 2.0 if default_rng().random() < 2.0 else y

    assert "default generator" in eager_reason(mg.compile(f), mg.Tensor([1.0]))


def test_a_method_may_be_decorated():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @mg.compile
        def apply(self, x):
            return x * self.factor

    for factor in (2.0, 3.0):
        scale = Scale(factor)
        assert [scale.apply(mg.Tensor([1.0])).item() for _ in range(4)] == [factor] * 4
        scale.factor = 5.0
        assert scale.apply(mg.Tensor([1.0])).item() == 5.0


# ---- what no program can repeat ------------------------------------------------------------------------------------


def eager_reason(function, *args, calls=5):
    """What one warning says, and that there is one only."""
    texts = warnings_of(lambda: [function(*args) for _ in range(calls)])
    assert len(texts) == 1
    return texts[0]


def test_a_number_that_python_looks_at_is_said_with_its_line():
    @mg.compile
    def f(x):
        if float(x.sum()) > 3:
            return x * 2
        return x

    assert "test_compiled.py:" in eager_reason(f, mg.Tensor([1.0]))
    assert f(mg.Tensor([4.0])).tolist() == [8.0]


def test_arrays_that_numpy_looks_at_are_said():
    @mg.compile
    def f(x):
        return x * float(np.abs(x.numpy()).max())

    assert "cannot be seen" in eager_reason(f, mg.Tensor([1.0, 3.0]))
    assert f(mg.Tensor([2.0, 5.0])).tolist() == [10.0, 25.0]


def test_arrays_among_the_arguments_are_tensors_inside():
    @mg.compile
    def f(x):
        return x * x.max()

    for k in range(5):
        assert f(np.array([1.0, k + 1.0])).tolist() == [k + 1.0, (k + 1.0) ** 2]


def test_numbers_of_a_generator_of_ones_own_are_said():
    rng = np.random.default_rng(0)

    @mg.compile
    def f(x):
        return x + rng.normal(size=2)

    assert "random numbers are drawn from rng" in eager_reason(f, mg.Tensor([1.0, 3.0]))
    assert f(mg.Tensor([1.0, 3.0])).tolist() != f(mg.Tensor([1.0, 3.0])).tolist()


def test_what_changes_at_each_call_is_named():
    class Counter(nn.Module):
        def __init__(self):
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x * self.calls

    counter = Counter()
    f = mg.compile(counter)
    texts = warnings_of(lambda: [f(mg.Tensor([1.0])) for _ in range(20)])
    assert len(texts) == 1
    assert "calls" in texts[0]
    assert f(mg.Tensor([1.0])).tolist() == [21.0]


def test_a_list_that_grows_is_noticed():
    seen = []
    f = mg.compile(lambda x: seen.append(1) or x * 2)
    warnings_of(lambda: [f(mg.Tensor([1.0])) for _ in range(20)])
    assert len(seen) == 20


def test_a_recorded_result_is_said():
    w = mg.Tensor([1.0], requires_grad=True)
    f = mg.compile(lambda x: x * w)
    assert "recorded" in eager_reason(f, mg.Tensor([2.0]))
    f(mg.Tensor([3.0])).backward()
    assert w.grad.tolist() == [3.0]


def test_hooks_run_at_each_call():
    layer, seen = nn.Linear(2, 2), []
    layer.register_forward_hook(lambda *_: seen.append(1))
    f = mg.compile(lambda x: layer(x).detach())
    assert "hooks" in eager_reason(f, mg.Tensor([1.0, 2.0]))
    assert len(seen) == 5


def test_a_checkpoint_that_draws_is_said():
    layer = nn.Dropout(0.5)
    w = mg.Tensor(np.ones(4), requires_grad=True)

    def step(x):
        w.grad = None
        loss = mg.checkpoint(lambda a: layer(a * w), x).sum()
        loss.backward()
        return loss

    compiled, found = mg.compile(step), []
    x = mg.Tensor(np.arange(4.0))

    def call(f):
        found.append((f(x).item(), w.grad.tolist()))

    mg.seed(0)
    for _ in range(5):
        call(step)
    mg.seed(0)
    assert "checkpoint" in eager_reason(call, compiled)
    assert found[:5] == found[5:]


def test_while_something_else_watches_calls_are_eager():
    f = mg.compile(lambda x: mg.log(x))
    for _ in range(4):
        f(mg.Tensor([1.0]))
    with mg.anomaly(), pytest.raises(mg.NonFiniteError):
        f(mg.Tensor([0.0]))


def test_only_functions_can_be_compiled():
    with pytest.raises(UsageError, match="function"):
        mg.compile(3)


def test_memory_of_the_optimizers_state_is_that_of_the_eager_run():
    eager, compiled = both(lr=0.1, momentum=0.0, weight_decay=0.1)
    for train in (eager, compiled):
        run(train, classification(6))
    assert_equal_states(eager, compiled)


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW, optim.RMSprop])
def test_other_optimizers_train_alike(kind):
    found = []
    for wrapped in (lambda f: f, mg.compile):
        train = training()
        optimizer = train.optimizer = kind(train.model.parameters())

        def step(x, y, train=train, optimizer=optimizer):
            optimizer.zero_grad()
            F.cross_entropy(train.model(x), y).backward()
            optimizer.step()

        train.step = wrapped(step)
        run(train, classification(6))
        found.append(train)
    assert_equal_states(*found)


def test_the_gradient_that_an_argument_came_with_is_added_to_at_each_call():
    def f(x):
        (x * x * 3.0).sum().backward()

    step, x, y = mg.compile(f), mg.ones(3, requires_grad=True), mg.ones(3, requires_grad=True)

    def four_calls():
        for _ in range(4):
            step(x)
            f(y)
            np.testing.assert_array_equal(x.grad.numpy(), y.grad.numpy())

    (text,) = warnings_of(four_calls)
    assert "the gradient that an argument came with" in text


def test_tables_made_of_sizes_are_no_data():
    """The same batch each time, as in training on all data at once: what depends on sizes only is not suspected."""

    def f(x):
        pooled = mg.functional.adaptive_avg_pool2d(x, (3, 2))
        return pooled, mg.functional.interpolate(pooled, size=(5, 7), mode="bilinear")

    compiled, x = mg.compile(f), mg.Tensor(np.arange(70.0).reshape(1, 1, 7, 10))
    for _ in range(3):
        for one, other in zip(compiled(x), f(x), strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert compiled.program is not None
