"""`minigrad predict` for models of tokens: continue texts."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from minigrad.cli.output import Output
from minigrad.cli.run_loading import LoadedRun
from minigrad.data import BytePairTokenizer, CharacterTokenizer, Tokenizer
from minigrad.data.tokenizer import read_json
from minigrad.errors import UsageError
from minigrad.training import generate


def continue_texts(loaded: LoadedRun, arguments: argparse.Namespace) -> Output:
    """Continue each text by tokens that are drawn from the model's probabilities.

    Args:
        loaded: the model.
        arguments: those of the command.

    Raises:
        UsageError, DataError, NonFiniteError: what the user can put right.
    """
    tokenizer = _tokenizer(loaded, arguments.tokenizer)
    rng = np.random.default_rng(arguments.seed)
    texts = []
    for text in arguments.inputs:
        if not text:
            raise UsageError("predict continues texts of at least one character, and one is empty")
        ids = generate(
            loaded.model,
            tokenizer.encode(text),
            arguments.tokens,
            temperature=arguments.temperature,
            top_k=arguments.top_k,
            top_p=arguments.top_p,
            rng=rng,
        )
        texts.append({"text": text, "continued": tokenizer.decode(ids)})
    document = {"run": loaded.folder.as_posix(), "model": loaded.settings.model, "predictions": texts}
    return Output(document, lambda: print("\n\n".join([each["continued"] for each in texts])))


def _tokenizer(loaded: LoadedRun, path: str | None) -> Tokenizer:
    """The tokenizer of a file or folder, or the model's own."""
    name, own = loaded.settings.model, getattr(loaded.model, "tokenizer", None)
    found: Tokenizer
    if path is None:
        if own is None:
            raise UsageError(
                f"{name} has no tokenizer of its own: --tokenizer FOLDER, with vocab.json and merges.txt of GPT-2"
            )
        found = own
    elif Path(path).is_dir():
        found = BytePairTokenizer.from_gpt2(Path(path) / "vocab.json", Path(path) / "merges.txt")
    else:
        kind = read_json(path).get("kind")
        found = (CharacterTokenizer if kind == CharacterTokenizer.kind else BytePairTokenizer).load(path)
    known = loaded.model(np.zeros((1, 1), np.int64)).shape[-1]
    if len(found) > known:
        raise UsageError(f"the tokenizer has {len(found):,} tokens, and {name} knows {known:,}")
    return found
