"""Hooks: what they see, what they can change, and that they can be taken away."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, UsageError, nn
from minigrad.graph import Graph


class Two(nn.Module):
    """Two inputs, two outputs, and a setting."""

    def forward(self, x, y, scale=1.0):
        return x * y * scale, x + y


def variables(*values):
    return [Tensor(np.array(value, np.float64), requires_grad=True) for value in values]


def test_forward_hooks_see_and_replace_inputs_and_output():
    layer, seen = nn.Tanh(), []
    first = layer.register_forward_pre_hook(lambda module, inputs: seen.append((module, inputs)))
    second = layer.register_forward_pre_hook(lambda module, inputs: inputs[0] * 2)
    third = layer.register_forward_hook(lambda module, inputs, output: output + 1)
    x = Tensor([0.5])
    assert layer(x).item() == pytest.approx(np.tanh(1.0) + 1)
    assert seen == [(layer, (x,))]
    for handle in (first, second, third, third):
        handle.remove()
    assert layer(x).item() == pytest.approx(np.tanh(0.5))


def test_hooks_run_in_order_and_prepended_ones_first():
    layer, order = nn.Tanh(), []
    for k in range(2):
        layer.register_forward_hook(lambda *_, k=k: order.append(k))
    layer.register_forward_hook(lambda *_: order.append("first"), prepend=True)
    layer(np.ones(2))
    assert order == ["first", 0, 1]


def test_hooks_with_kwargs_see_and_replace_settings():
    layer, seen = Two(), []
    layer.register_forward_pre_hook(lambda m, inputs, settings: (inputs, {"scale": 3.0}), with_kwargs=True)
    layer.register_forward_hook(lambda m, inputs, settings, output: seen.append(settings), with_kwargs=True)
    product, _ = layer(Tensor(2.0), Tensor(5.0), scale=1.0)
    assert product.item() == 30
    assert seen == [{"scale": 3.0}]
    layer.register_forward_pre_hook(lambda m, inputs, settings: inputs, with_kwargs=True)
    with pytest.raises(UsageError, match=r"returns None or a tuple \(inputs, settings\)"):
        layer(Tensor(2.0), Tensor(5.0), 1.0)


def test_handle_is_a_context():
    layer, calls = nn.Tanh(), []
    with layer.register_forward_hook(lambda *_: calls.append(1)):
        layer(np.ones(1))
    layer(np.ones(1))
    assert calls == [1]


def test_backward_hook_sees_the_gradients_of_inputs_and_outputs_once():
    layer, seen = Two(), []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((m, grad_in, grad_out)))
    x, y = variables([1.0, 2.0], [3.0, 4.0])
    product, total = layer(x, y)
    (product.sum() * 2 + (total * 5).sum()).backward()
    ((module, grad_in, grad_out),) = seen
    assert module is layer
    assert [g.tolist() for g in grad_out] == [[2, 2], [5, 5]]
    assert [g.tolist() for g in grad_in] == [[11, 13], [7, 9]]
    assert (x.grad.tolist(), y.grad.tolist()) == ([11, 13], [7, 9])


def test_backward_hook_gives_none_for_constants_and_zeros_for_outputs_that_are_not_used():
    layer, seen = Two(), []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out)))
    (x,) = variables([1.0, 2.0])
    product, _ = layer(x, np.array([3.0, 4.0]))
    product.sum().backward()
    ((grad_in, grad_out),) = seen
    assert grad_in[0].tolist() == [3, 4]
    assert grad_in[1] is None
    assert [g.tolist() for g in grad_out] == [[1, 1], [0, 0]]


def test_backward_hook_of_the_first_layer_has_no_input_gradient():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out[0].tolist())))
    layer(np.ones((3, 2), np.float32)).sum().backward()
    assert seen == [((None,), [[1], [1], [1]])]
    assert layer.weight.grad.tolist() == [[3, 3]]


def test_backward_hooks_replace_gradients():
    layer = nn.Tanh()
    layer.register_full_backward_pre_hook(lambda m, grad_out: grad_out[0] * 10)
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: (grad_in[0] + grad_out[0],))
    (x,) = variables(0.5)
    layer(x).backward()
    assert x.grad.item() == pytest.approx(10 * (1 - np.tanh(0.5) ** 2) + 10)


def test_backward_hooks_work_in_recorded_passes():
    layer, seen = nn.Lambda(lambda x: x**3), []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: (grad_in[0] * 2,))
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append(type(grad_in[0])))
    second = mg.grad(lambda x: mg.grad(lambda x: layer(x))(x))(Tensor(np.array(2.0)))
    assert second.item() == pytest.approx(2 * 2 * 6 * 2.0)  # the hook doubles in both passes
    assert set(seen) == {Tensor}


def test_backward_hooks_run_in_each_pass_over_a_graph_that_is_kept():
    layer, seen = nn.Tanh(), []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append(grad_out[0].item()))
    (x,) = variables(0.5)
    y = layer(x)
    y.backward(retain_graph=True)
    (y * 3).backward()
    assert seen == [1, 3]


def test_backward_hook_must_return_gradients_of_the_same_shapes():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: 3)
    (x,) = variables([0.5])
    with pytest.raises(UsageError, match=r"return None, or a grad_input of Tensors of shapes \[\(1,\)\], got 3"):
        layer(x).sum().backward()


def test_backward_hooks_need_tensors_for_output():
    layer = nn.Lambda(lambda x: {"y": x})
    layer.register_full_backward_hook(lambda *_: None)
    with pytest.raises(UsageError, match="need a Tensor or a tuple of them for output, Lambda gave a dict"):
        layer(*variables(1.0))
    with mg.no_grad():
        assert list(layer(*variables(1.0))) == ["y"]


def test_graph_shows_where_backward_hooks_are():
    layer = nn.Tanh()
    layer.register_full_backward_hook(lambda *_: None)
    graph = Graph.of(layer(*variables(1.0)))
    watching = [node for node in graph if node.name == "hook"]
    assert [str(node.settings) for node in watching] == ["{'to': hooks}"] * 2
    assert {graph.calls[node.call].kind for node in watching} == {"Tanh"}


def test_hooks_are_functions():
    with pytest.raises(UsageError, match="a hook is a function, not a int"):
        nn.Tanh().register_forward_hook(3)


def test_hooks_of_a_copy_are_its_own():
    layer, calls = nn.Tanh(), []
    handle = layer.register_forward_hook(lambda *_: calls.append(1))
    other = copy.deepcopy(layer)
    handle.remove()
    other(np.ones(1))
    layer(np.ones(1))
    assert calls == [1]


@pytest.mark.peer
def test_backward_hooks_see_pytorchs_gradients(torch, rng):
    weights, x = rng.normal(size=(3, 4)), rng.normal(size=(2, 4))

    def seen_by(library, layer, x):
        seen = []
        layer.register_full_backward_hook(
            lambda m, grad_in, grad_out: (grad_in[0] * 2, seen.append((grad_in, grad_out)))[:1]
        )
        (layer(x) ** 2).sum().backward()
        ((grad_in, grad_out),) = seen
        return [g.detach().numpy() for g in (grad_in[0], grad_out[0], x.grad, layer.weight.grad)]

    ours, theirs = nn.Linear(4, 3, bias=False).astype(np.float64), torch.nn.Linear(4, 3, bias=False).double()
    ours.load_state_dict({"weight": weights})
    theirs.load_state_dict({"weight": torch.tensor(weights)})
    found = seen_by(mg, ours, Tensor(x, requires_grad=True))
    expected = seen_by(torch, theirs, torch.tensor(x, requires_grad=True))
    for g, h in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-12)
