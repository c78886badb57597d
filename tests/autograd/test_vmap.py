"""`vmap`: axes and containers, all orders of derivatives in either order, randomness, and what it refuses."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn, vmap
from minigrad import functional as F  # noqa: N812
from minigrad.errors import DTypeError, GraphError, MutationError, ShapeError, UsageError

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)), RNG.normal(size=3)


def close(found, expected):
    found, expected = [x.numpy() if isinstance(x, Tensor) else x for x in (found, expected)]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def loop(f, *columns):
    """What f gives for each sample, stacked."""
    outs = [f(*sample) for sample in zip(*columns, strict=True)]
    return np.stack([out.numpy() for out in outs])


def smooth(w, x):
    return (mg.tanh(w * x) * x).sum() + w[0] * x[1] ** 2


# ---- axes and containers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_axes", [0, (0, 0), [0, 0], -2])
def test_batch_in_front_may_be_named_in_several_ways(in_axes):
    close(vmap(lambda x, y: (x * y).sum(), in_axes)(X, Y), (X * Y).sum(1))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_batch_may_stand_at_any_axis_of_argument_and_result(axis):
    x = RNG.normal(size=(2, 3, 4))
    found = vmap(lambda a: a * 2, in_axes=axis, out_axes=axis)(x)
    close(found, 2 * x)
    close(vmap(lambda a: a.sum(), in_axes=axis)(x), np.moveaxis(x, axis, 0).sum((1, 2)))


def test_argument_without_an_axis_is_shared_by_all_samples():
    close(vmap(lambda x, w: (x * w).sum(), (0, None))(X, W), X @ W)
    close(vmap(lambda x, scale: x * scale, (0, None))(X, 3.0), 3 * X)


def test_containers_have_one_axis_or_one_for_each_part():
    args = {"a": X, "b": (Y.T, W)}

    def f(p):
        return {"sum": p["a"] + p["b"][0] + p["b"][1], "first": [p["a"][0]]}

    found = vmap(f, in_axes=({"b": (1, None), "a": 0},), out_axes={"sum": 1, "first": 0})(args)
    close(found["sum"], (X + Y + W).T)
    close(found["first"][0], X[:, 0])


def test_what_is_given_by_keyword_is_passed_on_as_it_is():
    close(vmap(lambda x, w=None: (x * w).sum())(X, w=W), X @ W)


def test_result_that_all_samples_share_is_repeated_or_returned_as_it_is():
    close(vmap(lambda x: Tensor(W))(X), np.stack([W] * 5))
    close(vmap(lambda x: Tensor(W), out_axes=None)(X), W)
    close(vmap(lambda x: (x, 2.0))(X)[1], np.full(5, 2.0))


def test_nested_calls_have_a_batch_each():
    outer = vmap(vmap(lambda a, b: a * b, (None, 0)), (0, None))
    close(outer(W, X[0]), np.outer(W, X[0]))
    three = RNG.normal(size=(2, 3, 4))
    close(vmap(vmap(vmap(mg.exp)), in_axes=1, out_axes=1)(three), np.exp(three))


def test_inner_call_uses_values_of_the_outer_one():
    found = vmap(lambda x: vmap(lambda y: (x * y).sum())(Tensor(Y)))(X)
    close(found, X @ Y.T)


# ---- derivatives -------------------------------------------------------------------------------------------------


def test_gradient_of_each_sample():
    found = vmap(mg.grad(smooth), (None, 0))(W, X)
    close(found, loop(lambda x: mg.grad(smooth)(W, x), X))


def test_values_and_gradients_of_each_sample():
    values, gradients = vmap(mg.value_and_grad(smooth, argnums=(0, 1)), (None, 0))(W, X)
    close(values, loop(lambda x: smooth(Tensor(W), Tensor(x)), X))
    for k in (0, 1):
        close(gradients[k], loop(lambda x, k=k: mg.grad(smooth, (0, 1))(W, x)[k], X))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_higher_derivatives_inside(order):
    def f(x):
        return mg.tanh(x) * x**3

    for _ in range(order):
        f = mg.grad(f)
    close(vmap(f)(W), loop(f, W))


def test_jvp_hessian_hvp_jacobian_and_linearize_inside():
    def f(x):
        return smooth(Tensor(W), x)

    close(vmap(mg.hessian(f))(X), loop(mg.hessian(f), X))
    close(vmap(lambda x, v: mg.hvp(f, x, v))(X, Y), loop(lambda x, v: mg.hvp(f, x, v), X, Y))
    close(vmap(lambda x, v: mg.jvp(f, (x,), (v,))[1])(X, Y), loop(lambda x, v: mg.jvp(f, (x,), (v,))[1], X, Y))
    softmax = mg.softmax
    close(vmap(mg.jacobian(softmax))(X), loop(mg.jacobian(softmax), X))
    close(
        vmap(lambda x, v: mg.linearize(softmax, x)[1](v))(X, Y), loop(lambda x, v: mg.jvp(softmax, (x,), (v,))[1], X, Y)
    )


def test_gradient_of_a_function_with_vmap_in_it():
    def batched(w):
        return (vmap(smooth, (None, 0))(w, X) ** 2).sum()

    def looped(w):
        return mg.stack([smooth(w, x) for x in X]).square().sum()

    for transform in (mg.grad, mg.hessian):
        close(transform(batched)(W), transform(looped)(W))


def test_gradient_of_gradients_of_samples():
    def batched(w):
        return (vmap(mg.grad(smooth), (None, 0))(w, X) ** 2).sum()

    def looped(w):
        return mg.stack([mg.grad(smooth)(w, x) for x in X]).square().sum()

    close(batched(Tensor(W)), looped(Tensor(W)))
    close(mg.grad(batched)(W), mg.grad(looped)(W))
    close(mg.hessian(batched)(W), mg.hessian(looped)(W))
    close(mg.jvp(batched, (W,), (X[0],))[1], mg.jvp(looped, (W,), (X[0],))[1])


def test_variable_that_is_used_inside_gets_its_gradient_from_all_samples():
    w = Tensor(W, requires_grad=True)
    vmap(lambda x: (x * w * w).sum())(X).sum().backward()
    close(w.grad, 2 * W * X.sum(0))


def test_gradient_inside_by_a_variable_from_outside():
    w = Tensor(W, requires_grad=True)
    per_sample = vmap(lambda x: mg.grad(lambda v: smooth(v, x))(w))(X)
    close(per_sample, loop(lambda x: mg.grad(smooth)(W, x), X))
    per_sample.sum().backward()
    close(w.grad, mg.grad(lambda v: sum(mg.grad(smooth)(v, x).sum() for x in X))(W))


def test_pullback_and_pushforward_of_outside_run_on_a_batch_of_vectors():
    def f(x):
        return mg.softmax(x) * mg.sort(x) + x.max()

    value, pull = mg.vjp(f, Tensor(W))
    close(vmap(pull)(np.eye(3))[0], mg.jacobian(f)(W))
    _, push = mg.linearize(f, Tensor(W))
    close(vmap(push, out_axes=1)(np.eye(3)), mg.jacobian(f)(W))
    assert value.shape == (3,)


def test_stopped_gradients_are_stopped_for_what_is_outside_too():
    close(mg.grad(lambda w: vmap(lambda x: (mg.stop_gradient(w * x) * w).sum())(X).sum())(W), W * X.sum(0))

    def silent(w):
        def f(x):
            with mg.no_grad():
                constant = x * w
            return (constant * w).sum()

        return vmap(f)(X).sum()

    close(mg.grad(silent)(W), W * X.sum(0))


def test_cotangent_of_zero_silences_an_infinite_slope_in_each_sample():
    x = np.array([[0.0, 4.0], [1.0, 0.0], [9.0, 4.0]])

    def f(v):
        return mg.where(v > 0, mg.sqrt(v), 0.0).sum()

    close(vmap(mg.grad(f))(x), loop(mg.grad(f), x))
    norm = vmap(mg.grad(lambda v: mg.where(v.sum() > 0, mg.vector_norm(v), 0.0)))
    close(norm(np.array([[0.0, 0.0], [3.0, 4.0]])), [[0.0, 0.0], [0.6, 0.8]])


# ---- networks ----------------------------------------------------------------------------------------------------


def small_network():
    mg.seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(3, 3), nn.Flatten(), nn.Linear(12, 4)
    )


IMAGES = RNG.normal(size=(6, 2, 4, 4)).astype(np.float32)
LABELS = RNG.integers(0, 4, 6)


def test_gradients_of_samples_of_a_network():
    model = small_network()
    params = dict(model.named_parameters())

    def loss(p, x, y):
        return F.cross_entropy(mg.functional_call(model, p, x[None]), y[None])

    found = vmap(mg.grad(loss), (None, 0, 0))(params, IMAGES, LABELS)
    for k, (x, y) in enumerate(zip(IMAGES, LABELS, strict=True)):
        expected = mg.grad(loss)(params, Tensor(x), Tensor(y))
        for name in params:
            np.testing.assert_allclose(found[name][k].numpy(), expected[name].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shared_images", [True, False])
def test_ensemble_of_stacked_parameters(shared_images):
    models = [small_network(), small_network()]
    for p in models[1].parameters():
        p.data = p.numpy() * 0.5 + 0.1
    names = dict(models[0].named_parameters())
    stacked = {name: mg.stack([dict(m.named_parameters())[name] for m in models]) for name in names}
    images = IMAGES if shared_images else np.stack([IMAGES, IMAGES + 1])
    found = vmap(lambda p, x: mg.functional_call(models[0], p, x), (0, None if shared_images else 0))(stacked, images)
    expected = [m(Tensor(images if shared_images else images[k])).numpy() for k, m in enumerate(models)]
    np.testing.assert_allclose(found.numpy(), np.stack(expected), rtol=1e-4, atol=1e-5)


def test_module_is_a_function():
    layer = nn.Linear(3, 2)
    np.testing.assert_allclose(vmap(layer)(X.astype(np.float32)).numpy(), layer(Tensor(X.astype(np.float32))).numpy())


def test_embedding_of_each_samples_tokens():
    layer, tokens = nn.Embedding(7, 3), RNG.integers(0, 7, (4, 2))
    np.testing.assert_array_equal(vmap(layer)(tokens).numpy(), layer(tokens).numpy())


LOSSES = [
    (F.mse_loss, False), (F.l1_loss, False), (F.smooth_l1_loss, False), (F.kl_div, True), (F.poisson_nll_loss, True),
    (F.binary_cross_entropy_with_logits, True), (F.cosine_similarity, False), (F.huber_loss, False),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "positive"), LOSSES, ids=[loss.__name__ for loss, _ in LOSSES])
def test_loss_of_each_sample(loss, positive):
    target = np.abs(Y) / (np.abs(Y).max() + 1) if positive else Y
    settings = {"dim": 0} if loss is F.cosine_similarity else {}

    def f(x, y):
        return loss(x, y, **settings)

    close(vmap(f)(X, target), loop(lambda x, y: f(Tensor(x), Tensor(y)), X, target))
    close(vmap(mg.grad(f))(X, target), loop(mg.grad(f), X, target))


def test_classes_that_do_not_count_differ_between_samples():
    scores, classes = RNG.normal(size=(3, 2, 4)), np.array([[0, -100], [1, 3], [-100, 2]])
    close(vmap(F.cross_entropy)(scores, classes), loop(lambda x, y: F.cross_entropy(Tensor(x), y), scores, classes))


# ---- randomness --------------------------------------------------------------------------------------------------


def test_random_draws_are_refused_unless_one_says_how():
    layer = nn.Dropout(0.5)
    for f in (layer, lambda x: x + mg.randn(3), lambda x: x * mg.rand(3)):
        with pytest.raises(UsageError, match='randomness="different"'):
            vmap(f)(X)
    close(vmap(layer.eval())(X), X)


def test_each_sample_draws_its_own_or_all_share_one_draw():
    ones = np.ones((200, 8), np.float32)
    mg.seed(0)
    different = vmap(lambda x: F.dropout(x, 0.5), randomness="different")(ones).numpy()
    assert set(np.unique(different)) == {0.0, 2.0}
    assert len(np.unique(different, axis=0)) > 50
    same = vmap(lambda x: F.dropout(x, 0.5), randomness="same")(ones).numpy()
    assert len(np.unique(same, axis=0)) == 1


def test_nested_randomness_follows_each_call():
    def drawn(outer, inner):
        f = vmap(vmap(lambda x: x * 0 + mg.randn(), randomness=inner), randomness=outer)
        return f(np.zeros((3, 4))).numpy()

    assert len(np.unique(drawn("different", "different"))) == 12
    assert [len(np.unique(row)) for row in drawn("different", "same")] == [1, 1, 1]
    assert len(np.unique(drawn("different", "same"))) == 3
    assert len(np.unique(drawn("same", "different"), axis=0)) == 1
    assert len(np.unique(drawn("same", "same"))) == 1


# ---- writing -----------------------------------------------------------------------------------------------------


def test_writing_into_a_value_of_a_sample():
    def f(x):
        out = mg.zeros_like(x)
        out[0] = x[1] * 2
        out[1:] = x[:2]
        return out

    expected = np.concatenate([2 * X[:, 1:2], X[:, :2]], 1)
    close(vmap(f)(X), expected)


def test_writing_of_a_sample_into_what_all_share_is_refused():
    shared = Tensor(W)

    def f(x):
        shared[0] = x[0]
        return x

    with pytest.raises(MutationError, match="that all samples share"):
        vmap(f)(X)


def test_backward_inside_is_refused():
    w = Tensor(W, requires_grad=True)
    with pytest.raises(GraphError, match=r"inside of vmap: take the gradient by minigrad\.grad"):
        vmap(lambda x: (x * w).sum().backward())(X)
    assert w.grad is None


def test_running_statistics_are_not_moved_by_samples():
    layer = nn.BatchNorm1d(3)
    images = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    with pytest.raises(MutationError, match="running statistics"):
        vmap(layer)(images)
    assert vmap(layer.eval())(images).shape == (2, 4, 3)


# ---- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x * float(x[0]),
        lambda x: x * x[0].item(),
        lambda x: x * x.tolist()[0],
        lambda x: Tensor(np.exp(x.numpy())),
        lambda x: x * np.median(x),
        lambda x: mg.arange(int(x[0])),
    ],
)
def test_what_needs_one_value_says_so(f):
    with pytest.raises(GraphError, match="inside of vmap this Tensor stands for those of 5 samples"):
        vmap(f)(X)


def test_mask_of_a_sample_cannot_choose_elements():
    with pytest.raises(GraphError, match=r"minigrad\.where"):
        vmap(lambda x: x[x > 0])(X)
    close(vmap(lambda x: x[np.array([True, False, True])])(X), X[:, [0, 2]])


def test_value_that_leaves_the_function_is_refused():
    kept = []
    vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(GraphError, match="after it has ended"):
        kept[0] + 1
    with pytest.raises(GraphError, match="after it has ended"):
        vmap(lambda x: kept[0] + x)(X)


def test_level_ends_when_the_function_raises():
    with pytest.raises(ZeroDivisionError):
        vmap(lambda x: 1 / 0)(X)
    close(vmap(lambda x: x * 2)(X), 2 * X)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: vmap(3), UsageError, "takes a function"),
        (lambda: vmap(mg.exp, randomness="maybe"), UsageError, "randomness is"),
        (lambda: vmap(mg.exp, None)(X), UsageError, "names no axis"),
        (lambda: vmap(mg.exp, (0, 0))(X), UsageError, "names 2 arguments, but the function was called with 1"),
        (lambda: vmap(mg.exp, "a")(X), UsageError, "made of integers and None"),
        (lambda: vmap(mg.exp, ({"a": 0},))(X), UsageError, "stands for"),
        (lambda: vmap(mg.exp, 2)(X), ShapeError, "without an axis 2"),
        (lambda: vmap(mg.exp)(3.0), ShapeError, "without an axis 0"),
        (lambda: vmap(mg.add)(X, Y[:4]), ShapeError, "argument \\[0\\]: 5, argument \\[1\\]: 4"),
        (lambda: vmap(lambda x, s: x)(X, "text"), DTypeError, "in_axes=None"),
        (lambda: vmap(lambda x: None)(X), GraphError, "returned None"),
        (lambda: vmap(lambda x: "text")(X), GraphError, "must return Tensors"),
        (lambda: vmap(mg.exp, out_axes=2)(X), ShapeError, "without a place 2"),
        (lambda: vmap(mg.exp, out_axes=None)(X), GraphError, "differs between samples"),
    ],
)
def test_misuse_is_told(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_shapes_in_errors_are_those_of_a_sample():
    with pytest.raises(ShapeError, match=r"x: shape \(3,\)"):
        vmap(lambda x: x + np.ones(2))(X)


def test_tensor_inside_is_shown_with_its_samples():
    shown = []
    vmap(lambda x: shown.append(repr(x)) or x)(X)
    assert shown == ["Tensor(5 samples of shape (3,), float64)"]


# ---- ops of one's own --------------------------------------------------------------------------------------------


def test_op_of_ones_own_without_facts_is_called_once_a_sample_with_a_warning():
    @mg.op
    def center(x):
        return x - x.mean()

    @center.vjp("x")
    def _(g):
        return g - g.mean()

    try:
        with pytest.warns(UserWarning, match=r"the op center has no batching rule.*@center\.batching"):
            close(vmap(center)(X), X - X.mean(1, keepdims=True))
        close(vmap(mg.grad(lambda x: (center(x) * W).sum()))(X), loop(mg.grad(lambda x: (center(x) * W).sum()), X))

        calls = []

        @center.batching
        def _(xs, batched):
            calls.append(batched)
            return xs[0] - mg.mean(xs[0], axis=tuple(range(1, xs[0].ndim)), keepdims=True)

        close(vmap(center)(X), X - X.mean(1, keepdims=True))
        assert calls == [[True]]
    finally:
        del mg.REGISTRY["center"]


def test_op_of_ones_own_gets_its_rule_from_facts():
    @mg.op(shapes="... D -> ... D")
    def doubled(x):
        return 2 * x

    @doubled.vjp("x")
    def _(g):
        return 2 * g

    try:
        close(vmap(mg.grad(lambda x: (doubled(x) ** 2).sum()))(X), 8 * X)
    finally:
        del mg.REGISTRY["doubled"]


# ---- custom derivatives and checkpoints --------------------------------------------------------------------------


def doubling():
    """x * y with a derivative that is twice too large, so that one sees which was used."""

    @mg.custom_vjp
    def product(x, y):
        return x * y

    product.defvjp(lambda x, y: (x * y, (x, y)), lambda xy, g: (2 * g * xy[1], 2 * g * xy[0]))
    return product


@pytest.mark.parametrize("axes", [(0, 0), (0, None)])
def test_custom_derivative_inside_and_outside(axes):
    f = doubling()
    y = Y if axes[1] == 0 else W
    ys = Y if axes[1] == 0 else [W] * 5

    def total(x, y):
        return f(mg.sin(x), y).sum()

    found = vmap(mg.grad(total, (0, 1)), axes)(X, y)
    for k in (0, 1):
        close(found[k], loop(lambda x, y, k=k: mg.grad(total, (0, 1))(x, y)[k], X, ys))

    def batched(x, y):
        return (vmap(total, axes)(x, y) ** 2).sum()

    def looped(x, y):
        return mg.stack([total(x[i], y[i] if axes[1] == 0 else y) for i in range(5)]).square().sum()

    for k in (0, 1):
        close(mg.grad(batched, k)(X, y), mg.grad(looped, k)(X, y))

    def of_gradients(x, transform):
        return (transform(x) ** 2).sum()

    per_sample = vmap(mg.grad(total), axes)
    found = mg.grad(lambda x: of_gradients(x, lambda x: per_sample(x, y)))(X)
    expected = mg.grad(lambda x: of_gradients(x, lambda x: mg.stack([mg.grad(total)(x[i], ys[i]) for i in range(5)])))(
        X
    )
    close(found, expected)


def test_checkpoint_inside():
    def f(x):
        return mg.checkpoint(lambda x: mg.tanh(x) * x, x).sum()

    close(vmap(mg.grad(f))(X), loop(mg.grad(lambda x: (mg.tanh(x) * x).sum()), X))


@pytest.mark.parametrize("function", [mg.nonzero, mg.unique_values], ids=["nonzero", "unique_values"])
def test_results_whose_size_would_differ_between_samples_are_refused(function):
    with pytest.raises(mg.BatchingError, match="needs one value"):
        mg.vmap(function)(mg.Tensor([[1.0, 0.0], [2.0, 3.0]]))


def test_a_bias_of_each_sample_is_added_to_what_shared_kernels_give():
    rng = np.random.default_rng(0)
    x, w, b = (Tensor(rng.normal(size=shape)) for shape in [(3, 1, 2, 4, 4), (5, 2, 3, 3), (3, 5)])
    found = vmap(mg.conv, (0, None, 0))(x, w, b)
    for k in range(3):
        np.testing.assert_allclose(found[k].numpy(), mg.conv(x[k], w, b[k]).numpy(), rtol=1e-12)


def test_forward_mode_over_a_rule_that_looks_at_a_number():
    """The rule of `weighted` asks whether the number is infinite, and that of `qr` runs backward in forward mode."""

    def pushed(x):
        return mg.jvp(mg.grad(lambda x: (mg.weighted(mg.qr(x)[1], 1.5) ** 2).sum()), (x,), (x * 0 + 1,))[1]

    x = Tensor(np.random.default_rng(0).normal(size=(3, 2, 2)) + 4 * np.eye(2))
    np.testing.assert_allclose(vmap(pushed)(x).numpy(), np.stack([pushed(x[k]).numpy() for k in range(3)]), rtol=1e-9)
