"""Continue sequences with a model that scores what comes next: by sampling, and by beam search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from minigrad.errors import NonFiniteError, ShapeError, UsageError
from minigrad.nn import Module
from minigrad.rng import default_rng
from minigrad.training.evaluation import evaluation_mode
from minigrad.training.training_state import first_output
from minigrad.typing import Array, ArrayLike


def generate(
    model: Module,
    tokens: ArrayLike,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    end_token: int | None = None,
    context: int | None = None,
    rng: Generator | None = None,
) -> NDArray[np.int64]:
    """Continue sequences: draw the next token by the model's probabilities, append it, and again.

    p = softmax(logits / temperature), of which `top_k` and `top_p` leave the most probable tokens. Temperature 0 takes
    the most probable one (greedy). The model runs in evaluation mode without recording, on the whole sequence each
    time.

    Args:
        model: from token ids (N, T) to logits (N, T, V), or a tuple that begins with them.
        tokens: the beginnings, of at least one token.
        max_new_tokens: how many are appended at most.
        temperature: below 1 the probable becomes more probable, above 1 less; 0 for greedy (default 1.0).
        top_k: only so many tokens are drawn from (default None: all).
        top_p: only the most probable tokens are drawn from, as many as together have at least this probability, in
            (0, 1] (default None: all).
        end_token: ends a sequence, which is then filled up with it (default None: there is none).
        context: how many tokens the model is given at most, the last ones (default None: its attribute `context`; if
            it has none, all).
        rng: draws; the default generator unless given.

    Returns:
        tokens (T) or (N, T) -> (T + M) or (N, T + M), M = max_new_tokens, or less where all sequences have ended.

    Raises:
        UsageError: an argument is out of range, or tokens are no integers.
        ShapeError: there are no tokens, or the model gives no logits for each of them.
        NonFiniteError: the model gives NaN or infinity, or no token is possible.

    Source: top_k, A. Fan, M. Lewis and Y. Dauphin 2018, arXiv:1805.04833; top_p (nucleus sampling), A. Holtzman et al.
    2020, arXiv:1904.09751.

    >>> import minigrad as mg
    >>> next_of = np.roll(np.eye(5), 1, axis=1)  # 0 is followed by 1, 1 by 2 ...
    >>> generate(mg.nn.Embedding.from_pretrained(next_of), [3], 4, temperature=0).tolist()
    [3, 4, 0, 1, 2]
    """
    given = _checked(tokens, max_new_tokens)
    _check_sampling(temperature, top_k, top_p)
    rng = rng or default_rng()
    ids = np.atleast_2d(given)
    ended = np.zeros(len(ids), bool)
    with evaluation_mode(model):
        for _ in range(max_new_tokens):
            logits = _next_logits(model, ids, context)
            chosen = _draw(next_probabilities(logits, temperature, top_k, top_p), rng)
            if end_token is not None:
                chosen = np.where(ended, end_token, chosen)
                ended |= chosen == end_token
            ids = np.concatenate([ids, chosen[:, None]], axis=1)
            if ended.all():
                break
    return ids if given.ndim == 2 else ids[0]


def next_probabilities(
    logits: ArrayLike, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> NDArray[np.float64]:
    """The probabilities that `generate` draws from.

    Args:
        logits: scores of all tokens.
        temperature: by which they are divided; 0 for the largest alone, the first of equal ones (default 1.0).
        top_k: how many of the largest are left; of equal ones, the first (default None: all).
        top_p: the least probability that the largest together have (default None: all are left).

    Returns:
        logits (..., V) -> (..., V), float64, each row of which sums to 1.

    Raises:
        UsageError: an argument is out of range.

    >>> next_probabilities(np.log([0.5, 0.3, 0.2]), top_p=0.6).round(3).tolist()
    [0.625, 0.375, 0.0]
    """
    _check_sampling(temperature, top_k, top_p)
    scores = np.asarray(logits, np.float64)
    order = np.argsort(-scores, axis=-1, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=-1)
    kept = np.arange(scores.shape[-1]) < (1 if temperature == 0 else top_k or scores.shape[-1])
    with np.errstate(over="ignore"):  # of a temperature near 0: what is less than the largest gets 0
        p = np.exp((ordered - ordered[..., :1]) / (temperature or 1)) * kept
    p /= p.sum(axis=-1, keepdims=True)
    if top_p is not None:
        p *= np.cumsum(p, axis=-1) - p < top_p  # as long as those in front have not enough
        p /= p.sum(axis=-1, keepdims=True)
    probabilities = np.empty_like(p)
    np.put_along_axis(probabilities, order, p, axis=-1)
    return probabilities


@dataclass(frozen=True)
class Beam:
    """A sequence that `beam_search` found.

    Attributes:
        tokens: its ids, the beginning included.
        log_probability: of all that follows the beginning, in nats.
        score: that, divided by the length penalty.
        ended: whether it ends with the end token.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


def beam_search(
    model: Module,
    tokens: ArrayLike,
    max_new_tokens: int,
    *,
    beams: int = 4,
    length_penalty: float = 0.0,
    end_token: int | None = None,
    context: int | None = None,
) -> list[Beam]:
    """The most probable continuations of a sequence, as far as a search of limited width finds them.

    Of all ways to continue those that are kept by one token, the `beams` most probable are kept; what ends is put aside
    and takes its place among them along. One beam is greedy, and as many as there are sequences find the best of all.

        score = log p / ((5 + L) / 6)^length_penalty,    L the number of new tokens

    Args:
        model: from token ids (N, T) to logits (N, T, V), or a tuple that begins with them.
        tokens: the beginning, of at least one token.
        max_new_tokens: how many are appended at most.
        beams: how many sequences are kept (default 4).
        length_penalty: above 0 longer sequences score better (default 0.0).
        end_token: ends a sequence (default None: there is none).
        context: how many tokens the model is given at most, the last ones (default None: its attribute `context`; if
            it has none, all).

    Returns:
        tokens (T) -> at most `beams` sequences, the one with the best score first.

    Raises:
        UsageError: an argument is out of range, or tokens are no integers.
        ShapeError: there are no tokens, several sequences, or the model gives no logits for each token.
        NonFiniteError: the model gives NaN or infinity, or no token is possible.

    Source: I. Sutskever, O. Vinyals and Q. Le 2014, arXiv:1409.3215; the penalty, Y. Wu et al. 2016, arXiv:1609.08144.

    >>> import minigrad as mg
    >>> scores = np.log([[0.5, 0.5], [0.1, 0.9]])
    >>> beam_search(mg.nn.Embedding.from_pretrained(scores), [0], 2, beams=2)[0].tokens
    (0, 1, 1)
    """
    given = _checked(tokens, max_new_tokens)
    if given.ndim != 1:
        raise ShapeError(f"beam_search: continues one sequence (T), got shape {given.shape}: call it for each")
    if beams < 1:
        raise UsageError(f"beam_search: beams must be at least 1, got {beams}: 4 is usual")
    live, totals, found = given[None], np.zeros(1), list[Beam]()

    def beam(ids: Array, total: float, ended: bool) -> Beam:
        penalty = ((5 + len(ids) - len(given)) / 6) ** length_penalty
        return Beam(tuple(ids.tolist()), float(total), float(total / penalty), ended)

    with evaluation_mode(model):
        for _ in range(max_new_tokens):
            logits = _next_logits(model, live, context)
            scores = (totals[:, None] + _log_softmax(logits)).ravel()
            best = np.argsort(-scores, kind="stable")[: beams - len(found)]
            best = best[np.isfinite(scores[best])]
            rows, chosen = np.divmod(best, logits.shape[1])
            live, totals = np.concatenate([live[rows], chosen[:, None]], axis=1), scores[best]
            over = np.zeros(len(live), bool) if end_token is None else chosen == end_token
            found += [beam(ids, total, True) for ids, total in zip(live[over], totals[over], strict=True)]
            live, totals = live[~over], totals[~over]
            if not len(live):
                break
    found += [beam(ids, total, False) for ids, total in zip(live, totals, strict=True)]
    return sorted(found, key=lambda each: -each.score)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        normalized: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalized


def _draw(probabilities: Array, rng: Generator) -> NDArray[np.int64]:
    """A token of each row. Shapes: (N, V) -> (N)."""
    ends = np.cumsum(probabilities, axis=-1)
    drawn = rng.random((len(ends), 1)) * ends[:, -1:]
    chosen: NDArray[np.int64] = (drawn >= ends).sum(axis=-1)
    return chosen


def _next_logits(model: Module, ids: NDArray[np.int64], context: int | None) -> NDArray[np.float64]:
    """The scores of what follows each sequence. Shapes: ids (N, T) -> (N, V)."""
    most: Any = getattr(model, "context", None) if context is None else context
    seen = ids if most is None else ids[:, -most:]
    logits = first_output(model(seen))
    if logits.ndim != 3 or logits.shape[:2] != seen.shape or not logits.shape[2]:
        raise ShapeError(
            f"{type(model).__name__} gives {logits.shape} for token ids {seen.shape}, and should give logits "
            f"{(*seen.shape, 'V')}: scores of all V tokens behind each one"
        )
    last = np.asarray(logits.numpy()[:, -1], np.float64)
    best = last.max(axis=-1)
    if not np.isfinite(best).all():  # -inf is the score of what cannot be
        raise NonFiniteError(f"{type(model).__name__} gives the logits {best.tolist()} as the largest of each sequence")
    return last


def _checked(tokens: ArrayLike, max_new_tokens: int) -> NDArray[np.int64]:
    ids = np.asarray(tokens)
    if ids.ndim not in (1, 2) or not ids.size:
        raise ShapeError(f"generation begins with token ids (T) or (N, T), at least one each, got shape {ids.shape}")
    if ids.dtype.kind not in "iu":
        raise UsageError(f"token ids are integers, got {ids.dtype}: encode text with a tokenizer")
    if max_new_tokens < 0:
        raise UsageError(f"max_new_tokens must be at least 0, got {max_new_tokens}")
    return ids.astype(np.int64)


def _check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    if not (0 <= temperature < np.inf):
        raise UsageError(f"temperature must be finite and at least 0, got {temperature}: 1.0 is usual")
    if top_k is not None and top_k < 1:
        raise UsageError(f"top_k must be at least 1, got {top_k}: None draws from all tokens")
    if top_p is not None and not 0 < top_p <= 1:
        raise UsageError(f"top_p must be in (0, 1], got {top_p}: None draws from all tokens")
