"""Sampling and beam search: frequencies are probabilities, one beam is greedy, a full width finds the best."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.errors import NonFiniteError, ShapeError, UsageError
from minigrad.training import beam_search, generate, next_probabilities


class Recurrent(nn.Module):
    """From tokens to logits that depend on all tokens before."""

    def __init__(self, vocabulary: int, seed: int, scale: float = 3.0) -> None:
        rng = np.random.default_rng(seed)
        self.tokens = nn.Embedding(vocabulary, 4, rng=rng)
        self.cells = nn.GRU(4, 5, batch_first=True, rng=rng)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(5, vocabulary, rng=rng)
        self.scale = scale

    def forward(self, ids):
        return self.head(self.drop(self.cells(self.tokens(ids))[0])) * self.scale


def table(probabilities) -> nn.Module:
    """A model whose next token depends on the last one only, by a row of probabilities."""
    with np.errstate(divide="ignore"):
        return nn.Embedding.from_pretrained(np.log(np.asarray(probabilities, np.float64)))


def log_probability(model: nn.Module, sequence: tuple[int, ...], begin: int) -> float:
    """Of all tokens from a place on, by the chain rule of probabilities."""
    with mg.no_grad():
        logits = model.eval()(np.array([sequence])).numpy()[0].astype(np.float64)
    logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return sum(float(logits[k - 1, sequence[k]]) for k in range(begin, len(sequence)))


def all_sequences(model: nn.Module, begin: list[int], length: int, vocabulary: int, end: int | None):
    """Every sequence that can be generated, with its log probability."""
    found = set()
    for tail in product(range(vocabulary), repeat=length):
        cut = tail.index(end) + 1 if end in tail else length
        found.add((*begin, *tail[:cut]))
    return {sequence: log_probability(model, sequence, len(begin)) for sequence in found}


# ---- sampling ------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=8),
    st.floats(0.1, 5),
    st.none() | st.integers(1, 9),
    st.none() | st.floats(0.01, 1),
)
def test_probabilities_are_those_of_the_definition(logits, temperature, top_k, top_p):
    found = next_probabilities(logits, temperature, top_k, top_p)
    weights = [float(np.exp((x - max(logits)) / temperature)) for x in logits]
    order = sorted(range(len(logits)), key=lambda k: -logits[k])[:top_k]
    total, kept, together = sum(weights[k] for k in order), [], 0.0
    for k in order:
        if top_p is not None and together >= top_p - 1e-12:
            break
        kept.append(k)
        together += weights[k] / total
    expected = np.zeros(len(logits))
    expected[kept] = [weights[k] for k in kept]
    if top_p is None or not np.isclose(together - weights[kept[-1]] / total, top_p, atol=1e-9):
        np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-9)


def test_temperature_0_and_a_tiny_one_take_the_first_of_the_largest():
    for temperature in (0, 1e-320):
        p = next_probabilities([[1.0, 3.0, 2.0]], temperature)
        np.testing.assert_array_equal(p, [[0, 1, 0]])
    np.testing.assert_array_equal(next_probabilities([2.0, 2.0], 0), [1, 0])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0.5, 0.3, 0.15, 0.05]),
        ({"top_k": 2}, [0.625, 0.375, 0, 0]),
        ({"top_p": 0.9}, [10 / 19, 6 / 19, 3 / 19, 0]),
    ],
)
def test_frequencies_are_probabilities(settings, expected):
    model = table([[0.5, 0.3, 0.15, 0.05]] * 4)
    n = 20_000
    drawn = generate(model, np.zeros((n, 1), int), 1, rng=np.random.default_rng(0), **settings)[:, 1]
    frequency = np.bincount(drawn, minlength=4) / n
    deviation = np.sqrt(np.array(expected) * (1 - np.array(expected)) / n)
    assert (np.abs(frequency - expected) <= 4 * deviation).all()


def test_pairs_are_drawn_as_often_as_the_chain_says():
    transition = np.array([[0.1, 0.9], [0.6, 0.4]])
    drawn = generate(table(transition), np.zeros((20_000, 1), int), 2, rng=np.random.default_rng(1))
    found = np.histogram2d(drawn[:, 1], drawn[:, 2], bins=2)[0] / 20_000
    np.testing.assert_allclose(found, transition[0][:, None] * transition, atol=0.015)


def test_equal_generators_give_equal_sequences_and_dropout_is_off():
    model = Recurrent(7, 0).train()
    one, two, three = (generate(model, [[1, 2], [3, 4]], 10, rng=np.random.default_rng(k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()
    assert one.shape == (2, 12)
    assert (one[:, :2] == [[1, 2], [3, 4]]).all()
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_the_default_generator_draws_otherwise():
    model = Recurrent(7, 0)
    mg.seed(3)
    one = generate(model, [1], 10)
    mg.seed(3)
    np.testing.assert_array_equal(one, generate(model, [1], 10))


def test_sequences_end_with_the_end_token_and_are_filled_up_with_it():
    model = table([[0.2, 0.3, 0.5]] * 3)
    drawn = generate(model, np.zeros((50, 1), int), 30, end_token=2, rng=np.random.default_rng(0))
    assert drawn.shape[1] < 31  # all had ended
    for row in drawn:
        first = row.tolist().index(2)
        assert (row[first:] == 2).all()


def test_the_model_sees_the_last_tokens_only():
    seen = []

    class Look(nn.Module):
        context = 3

        def forward(self, ids):
            seen.append(np.asarray(ids).tolist())
            return mg.Tensor(np.eye(5)[(np.asarray(ids) + 1) % 5])

    assert generate(Look(), [0], 4, temperature=0).tolist() == [0, 1, 2, 3, 4]
    assert seen == [[[0]], [[0, 1]], [[0, 1, 2]], [[1, 2, 3]]]
    seen.clear()
    generate(Look(), [0, 1], 1, temperature=0, context=1)
    assert seen == [[[1]]]


# ---- beam search ---------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(1, 4), st.booleans(), st.sampled_from([0.0, 0.6, 2.0]))
def test_full_width_is_exhaustive_search(seed, vocabulary, length, ends, length_penalty):
    model, end = Recurrent(vocabulary, seed), 0 if ends else None
    sequences = all_sequences(model, [1], length, vocabulary, end)
    found = beam_search(model, [1], length, beams=vocabulary**length, end_token=end, length_penalty=length_penalty)
    assert {beam.tokens for beam in found} == sequences.keys()
    for beam in found:
        assert beam.log_probability == pytest.approx(sequences[beam.tokens], abs=1e-5)
        penalty = ((5 + len(beam.tokens) - 1) / 6) ** length_penalty
        assert beam.score == pytest.approx(beam.log_probability / penalty)
        assert beam.ended == (beam.tokens[-1] == end)
    scores = [beam.score for beam in found]
    assert scores == sorted(scores, reverse=True)
    np.testing.assert_allclose(np.exp([beam.log_probability for beam in found]).sum(), 1, atol=1e-6)


@given(st.integers(0, 10**6), st.booleans())
def test_one_beam_is_greedy(seed, ends):
    model, end = Recurrent(5, seed), 2 if ends else None
    (beam,) = beam_search(model, [0, 1], 6, beams=1, end_token=end)
    assert list(beam.tokens) == generate(model, [0, 1], 6, temperature=0, end_token=end).tolist()


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_beams_are_different_sequences_with_their_probabilities(seed, beams):
    model = Recurrent(4, seed)
    found = beam_search(model, [1], 5, beams=beams, end_token=3)
    assert len({beam.tokens for beam in found}) == len(found) <= beams
    for beam in found:
        assert beam.log_probability == pytest.approx(log_probability(model, beam.tokens, 1), abs=1e-4)


def test_a_wider_search_finds_what_greed_misses():
    model = table([[0, 0.6, 0.4], [0.5, 0.25, 0.25], [0, 0.05, 0.95]])
    assert beam_search(model, [0], 2, beams=1)[0].tokens == (0, 1, 0)
    assert beam_search(model, [0], 2, beams=2)[0].tokens == (0, 2, 2)


def test_a_length_penalty_prefers_longer_sequences():
    model = table([[0.0, 0.55, 0.45], [0.0, 0.7, 0.3], [0.0, 0.0, 1.0]])  # 2 ends
    short, long = (beam_search(model, [0], 4, beams=9, end_token=2, length_penalty=a)[0] for a in (0.0, 5.0))
    assert short.tokens == (0, 2)
    assert len(long.tokens) == 5


def test_what_is_impossible_is_no_beam():
    found = beam_search(table([[0, 1, 0], [1, 0, 0], [0, 0, 1]]), [0], 3, beams=5)
    assert [beam.tokens for beam in found] == [(0, 1, 0, 1)]


def test_no_new_tokens_are_none():
    assert generate(Recurrent(3, 0), [[1]], 0).tolist() == [[1]]
    (beam,) = beam_search(Recurrent(3, 0), [1], 0)
    assert (beam.tokens, beam.log_probability, beam.ended) == ((1,), 0, False)


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fail", "error", "message"),
    [
        (lambda m: generate(m, [], 1), ShapeError, "at least one each"),
        (lambda m: generate(m, [[[1]]], 1), ShapeError, r"token ids \(T\) or \(N, T\)"),
        (lambda m: generate(m, [0.5], 1), UsageError, "token ids are integers, got float64"),
        (lambda m: generate(m, [0], -1), UsageError, "max_new_tokens must be at least 0, got -1"),
        (lambda m: generate(m, [0], 1, temperature=-1), UsageError, "temperature must be finite and at least 0"),
        (lambda m: generate(m, [0], 1, top_k=0), UsageError, "top_k must be at least 1, got 0"),
        (lambda m: generate(m, [0], 1, top_p=0.0), UsageError, r"top_p must be in \(0, 1\], got 0.0"),
        (lambda m: generate(nn.Lambda(lambda x: x), [0], 1), ShapeError, r"should give logits \(1, 1, 'V'\)"),
        (lambda m: beam_search(m, [[0], [1]], 1), ShapeError, "continues one sequence"),
        (lambda m: beam_search(m, [0], 1, beams=0), UsageError, "beams must be at least 1, got 0"),
        (lambda m: generate(table([[np.nan, 1], [1, 1]]), [0], 1), NonFiniteError, "the logits"),
    ],
)  # fmt: skip
def test_errors_are_explained(fail, error, message):
    with pytest.raises(error, match=message):
        fail(Recurrent(3, 0))
