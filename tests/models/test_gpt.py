"""GPT: names and numbers of the published networks, no look at the future, and texts that go on."""

from typing import Any

import numpy as np
import pytest
from minigrad_models.gpt import GPT, Block, Conv1D, gpt_small

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad.data import BytePairTokenizer, DataLoader, docstrings
from minigrad.data.tokenizer import BYTES
from minigrad.errors import ShapeError, StateError, UsageError
from minigrad.io import load, save
from minigrad.testing import Verdict, check_grads
from minigrad.training import evaluate, fit, generate
from tests.models.gradient import assert_gradients


def small(seed: int = 0, dropout: float = 0.0) -> GPT:
    """With weights, among them biases, of a usual size."""
    model = GPT(11, 7, 8, 2, 2, dropout, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    for p in model.parameters():
        p.data = rng.normal(0, 0.4, p.shape).astype(np.float32) + (1 if p.ndim == 1 and p.data.all() else 0)
    return model


def tokens(n: int = 3, length: int = 7) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 11, (n, length))


def published_names(depth: int) -> set[str]:
    """The names of a GPT-2 in safetensors, as they are published."""
    parts = [f"{layer}.{kind}" for layer in ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
             for kind in ("weight", "bias")]  # fmt: skip
    blocks = {f"h.{k}.{part}" for k in range(depth) for part in parts}
    return {"wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"} | blocks


def test_names_and_shapes_are_the_published_ones() -> None:
    assert GPT(width=12, vocabulary=9).state_dict().keys() == published_names(12)
    with mg.init.skip():
        state = GPT(vocabulary=9, depth=1).state_dict()
    assert state["wpe.weight"].shape == (1024, 768)
    assert state["h.0.attn.c_attn.weight"].shape == (768, 2304)
    assert state["h.0.mlp.c_fc.weight"].shape == (768, 3072)


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_a_published_file_loads_by_name(tmp_path: Any, prefix: str) -> None:
    pytest.importorskip("safetensors")
    source, model = small(1), small(2)
    state = {prefix + name: array for name, array in source.state_dict().items()}
    for k in range(2):
        state[f"{prefix}h.{k}.attn.bias"] = np.tril(np.ones((1, 1, 7, 7), np.float32))
        state[f"{prefix}h.{k}.attn.masked_bias"] = np.float32(-1e4)
    if prefix:
        state["lm_head.weight"] = state["transformer.wte.weight"]
    save(tmp_path / "model.safetensors", state)
    model.load_state_dict(load(tmp_path / "model.safetensors")[0])
    np.testing.assert_array_equal(model(tokens()).numpy(), source(tokens()).numpy())


def test_states_that_do_not_fit_are_refused() -> None:
    model = small()
    state = model.state_dict()
    with pytest.raises(StateError, match=r"lm_head\.weight differs from wte\.weight"):
        model.load_state_dict({**state, "lm_head.weight": state["wte.weight"] + 1})
    with pytest.raises(StateError, match=r"shape: h\.0\.mlp\.c_fc\.weight is \(8, 32\) here and \(32, 8\)"):
        model.load_state_dict({**state, "h.0.mlp.c_fc.weight": state["h.0.mlp.c_fc.weight"].T})
    with pytest.raises(StateError, match=r"missing: wpe\.weight"):
        model.load_state_dict({name: array for name, array in state.items() if name != "wpe.weight"})
    with pytest.raises(StateError, match="a state has arrays by path"):
        model.load_state_dict([1])  # type: ignore[arg-type]


def test_what_comes_later_changes_nothing() -> None:
    model, ids = small(), tokens()
    before = model(ids).numpy()
    changed = ids.copy()
    changed[:, 4:] = (changed[:, 4:] + 1) % 11
    after = model(changed).numpy()
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert (after[:, 4:] != before[:, 4:]).all(axis=2).all()
    np.testing.assert_allclose(model(ids[:, :3]).numpy(), before[:, :3], rtol=1e-4, atol=1e-5)


def test_scores_at_the_start_are_nearly_even() -> None:
    model = gpt_small(np.random.default_rng(0))
    loss = model.loss(model(np.zeros((1, 8), int)), mg.Tensor(np.arange(8)[None])).item()
    assert abs(loss - np.log(len(model.tokenizer))) < 0.2


def test_residual_projections_begin_smaller() -> None:
    model = GPT(11, 8, 64, 8, 4, rng=np.random.default_rng(0))
    deviation = {name: p.numpy().std() for name, p in model.named_parameters() if p.ndim == 2}
    for name, found in deviation.items():
        expected = 0.02 / 4 if name.endswith("c_proj.weight") else 0.02
        assert abs(found / expected - 1) < 0.1, name


def test_loss_is_the_cross_entropy_of_all_tokens() -> None:
    model, ids = small(), tokens()
    output, target = model(ids), mg.Tensor(tokens(3, 7)[:, ::-1].copy())
    each = [F.cross_entropy(output[n], target[n]).item() for n in range(3)]
    np.testing.assert_allclose(model.loss(output, target).item(), np.mean(each), rtol=1e-5)


def test_dropout_acts_in_training_only() -> None:
    model = small(dropout=0.5)
    once, twice = (model.train()(tokens()).numpy() for _ in range(2))
    assert (once != twice).any()
    np.testing.assert_array_equal(model.eval()(tokens()).numpy(), small().eval()(tokens()).numpy())


def test_gradients_of_a_block_are_correct() -> None:
    assert_gradients(
        lambda: Block(6, 2, 0.0, np.random.default_rng(0)), np.random.default_rng(1).normal(size=(2, 4, 6))
    )


def test_gradients_of_the_tied_table_are_correct() -> None:
    model, ids = GPT(5, 4, 4, 1, 2, 0.0, rng=np.random.default_rng(0)).astype("float64"), np.array([[0, 3, 1, 4]])

    def logits(table: mg.Tensor) -> mg.Tensor:
        return mg.functional_call(model, {"wte.weight": table}, (ids,))

    report = check_grads(logits, np.random.default_rng(1).normal(size=(5, 4)), order=1)
    assert report.verdict is Verdict.CORRECT, str(report)


def test_training_on_text_lowers_the_loss_and_text_goes_on() -> None:
    tokenizer = BytePairTokenizer(BYTES)
    train = docstrings(size=16, tokenizer=tokenizer)[0]
    inputs, targets = (array[:200] for array in train.arrays)
    mg.seed(0)
    model = GPT(256, 32, 16, 1, 2, 0.0)
    before = evaluate(model, (inputs, targets), model.loss)["loss"]
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.01)
    fit(model, DataLoader((inputs, targets), 20, shuffle=True), loss=model.loss, optimizer=optimizer, epochs=3)
    assert evaluate(model, (inputs, targets), model.loss)["loss"] < before - 1
    ids = generate(model, tokenizer.encode("The "), 40, temperature=0)  # longer than the context
    assert len(ids) == 44
    assert tokenizer.decode(ids).startswith("The ")


def test_errors_are_explained() -> None:
    with pytest.raises(UsageError, match="width 10 is no multiple of heads 3"):
        GPT(5, 4, 10, 1, 3)
    for ids in (np.zeros((1, 8), int), np.zeros(3, int)):
        with pytest.raises(ShapeError, match=r"expected token ids \(N, T\) with T of at most 7"):
            small()(ids)


def test_a_conv1d_is_a_linear_layer_of_the_transpose() -> None:
    layer, x = (
        Conv1D(3, 5, np.random.default_rng(0)),
        np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32),
    )
    np.testing.assert_allclose(layer(x).numpy(), x @ layer.weight.numpy() + layer.bias.numpy(), rtol=1e-5)


@pytest.mark.peer
def test_logits_and_gradients_equal_those_of_transformers(torch: Any) -> None:
    transformers = pytest.importorskip("transformers")
    settings = transformers.GPT2Config(
        vocab_size=11, n_positions=7, n_embd=8, n_layer=2, n_head=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0
    )
    peer = transformers.GPT2LMHeadModel(settings)
    model, ids, target = small(), tokens(), np.roll(tokens(), 1)
    peer.load_state_dict(
        {f"transformer.{k}": torch.from_numpy(v.copy()) for k, v in model.state_dict().items()}, strict=False
    )
    peer.tie_weights()
    model.load_state_dict({name: value.numpy() for name, value in peer.state_dict().items()})  # and the way back
    ours, theirs = model(ids), peer(torch.from_numpy(ids)).logits
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
    model.loss(ours, mg.Tensor(target)).backward()
    torch.nn.functional.cross_entropy(theirs.reshape(-1, 11), torch.from_numpy(target.reshape(-1))).backward()
    gradients = {name.removeprefix("transformer."): p.grad for name, p in peer.named_parameters()}
    for name, p in model.named_parameters():
        expected = gradients[name].numpy()
        np.testing.assert_allclose(p.grad.numpy(), expected, rtol=0, atol=1e-4 * abs(expected).max(), err_msg=name)


@pytest.mark.peer
def test_the_network_that_times_are_compared_with_computes_the_same(torch: Any) -> None:
    from tests.models.torch_gpt import PeerGPT

    model, peer = small(), PeerGPT(11, 7, 8, 2, 2)
    names = {"attn.c_attn": "c_attn", "attn.c_proj": "c_proj", "mlp.c_fc": "mlp.0", "mlp.c_proj": "mlp.2"}
    state = {}
    for name, value in model.state_dict().items():
        for own, other in names.items():
            name = name.replace(own, other)
        linear = name.endswith(".weight") and name.startswith("h.") and ".ln_" not in name
        state[name] = torch.from_numpy(np.asarray(value).T.copy() if linear else np.asarray(value).copy())
    peer.load_state_dict(state)
    ids = tokens()
    np.testing.assert_allclose(model(ids).numpy(), peer(torch.from_numpy(ids)).detach().numpy(), rtol=1e-4, atol=1e-5)
