"""Tokenizers: every string comes back, files too, and byte pairs are learned and read as GPT-2's."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import BytePairTokenizer, CharacterTokenizer
from minigrad.data.byte_pair import merge, printable_bytes, words
from minigrad.data.tokenizer import BYTES, to_bytes
from minigrad.errors import DataError

TEXT = (
    "It's a test: the cat's hat, the bat; the 12 cats hatched in 2012.\n\nAnd «naïve» café, 日本語 — 🙂!  Or not?\n" * 3
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # also halves of surrogate pairs
TOKENIZERS = [
    CharacterTokenizer(""),
    CharacterTokenizer.train(TEXT),
    BytePairTokenizer(BYTES),
    BytePairTokenizer.train(TEXT, 300),
]


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
@given(text=ANY_TEXT | st.sampled_from([TEXT, "", "\r\n", " \t 's", "'ll've"]))
def test_every_string_comes_back(tokenizer, text):
    ids = tokenizer.encode(text)
    assert (ids.dtype, ids.ndim) == (np.int64, 1)
    assert tokenizer.decode(ids) == text
    assert b"".join(tokenizer.tokens[k] for k in ids) == to_bytes(text)


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
@given(ids=st.lists(st.integers(0, 255), max_size=10))
def test_any_ids_are_some_text(tokenizer, ids):
    assert isinstance(tokenizer.decode(ids), str)


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
def test_a_file_holds_all_of_it(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "t.json")
    again = type(tokenizer).load(tmp_path / "t.json")
    assert again.tokens == tokenizer.tokens
    np.testing.assert_array_equal(again.encode(TEXT), tokenizer.encode(TEXT))
    other = BytePairTokenizer if isinstance(tokenizer, CharacterTokenizer) else CharacterTokenizer
    with pytest.raises(DataError, match=f"holds no {other.__name__}"):
        other.load(tmp_path / "t.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds no JSON object, but a list"),
        ('{"kind": "byte pairs"}', "is damaged: KeyError"),
        ('{"kind": "byte pairs", "tokens": 3, "merges": []}', "is damaged: TypeError"),
        ('{"kind": "byte pairs", "tokens": ["a"], "merges": []}', "is no token"),
    ],
)
def test_damaged_files_are_refused(tmp_path, content, message):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=message):
        BytePairTokenizer.load(tmp_path / "t.json")


def test_one_token_a_known_character_and_bytes_for_others():
    tokenizer = CharacterTokenizer("ab")
    assert tokenizer.encode("abc€").tolist() == [256, 257, ord("c"), *"€".encode()]
    assert len(tokenizer) == 258
    with pytest.raises(DataError, match="single ones, each once"):
        CharacterTokenizer("aa")
    with pytest.raises(DataError, match="single ones, each once"):
        CharacterTokenizer(["ab"])


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_words_are_all_of_the_text(text):
    assert b"".join(words(text)) == to_bytes(text)


def test_words_are_cut_as_gpt2_cuts_them():
    assert words("Hello  world's 3rd_x\n\n  end ") == [
        b"Hello", b" ", b" world", b"'s", b" 3", b"rd", b"_", b"x", b"\n\n ", b" end", b" "
    ]  # fmt: skip
    assert words("½ ²³Ⅷ٣x") == ["½".encode(), " ²³Ⅷ٣".encode(), b"x"]  # numbers of all three kinds


def slow_training(text, vocab_size):
    """Byte-pair encoding by its definition: count all pairs anew before each merge."""
    pieces = [[w[k : k + 1] for k in range(len(w))] for w in words(text)]
    tokens, merges = list(BYTES), []
    while len(tokens) < vocab_size:
        counts = {}
        for parts in pieces:
            for pair in pairwise(parts):
                counts[pair] = counts.get(pair, 0) + 1
        pair = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if pair is None or counts[pair] < 2:
            break
        merges.append(pair)
        tokens += [pair[0] + pair[1]] if pair[0] + pair[1] not in tokens else []
        pieces = [merge(parts, pair) for parts in pieces]
    return tokens, merges, pieces


@given(st.text("ab c", max_size=60) | st.text(max_size=30).map(lambda text: 2 * text), st.integers(256, 280))
def test_training_is_that_of_the_definition(text, vocab_size):
    tokens, merges, pieces = slow_training(text, vocab_size)
    tokenizer = BytePairTokenizer.train(text, vocab_size)
    assert (tokenizer.tokens, tokenizer.merges) == (tokens, merges)
    # Encoding the text of the training goes the same way again.
    assert [tokenizer.tokens[k] for k in tokenizer.encode(text)] == [piece for parts in pieces for piece in parts]


def gpt2_files(folder, tokenizer, special=("<|endoftext|>",)):
    """A tokenizer in the files of GPT-2's."""
    write = printable_bytes()
    texts = ["".join(write[byte] for byte in token) for token in tokenizer.tokens]
    ids = {text: k for k, text in enumerate([*texts, *special])}
    (folder / "vocab.json").write_text(json.dumps(ids), "utf-8")
    lines = [" ".join("".join(write[byte] for byte in piece) for piece in pair) for pair in tokenizer.merges]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]), "utf-8")
    return folder / "vocab.json", folder / "merges.txt"


def test_the_files_of_gpt2_are_read(tmp_path):
    trained = BytePairTokenizer.train(TEXT, 300)
    read = BytePairTokenizer.from_gpt2(*gpt2_files(tmp_path, trained))
    np.testing.assert_array_equal(read.encode(TEXT), trained.encode(TEXT))
    assert read.ids[b"<|endoftext|>"] == len(trained)
    assert read.decode([len(trained)]) == "<|endoftext|>"
    (tmp_path / "merges.txt").write_text("a b c\n")
    with pytest.raises(DataError, match="are no files of GPT-2's tokenizer"):
        BytePairTokenizer.from_gpt2(tmp_path / "vocab.json", tmp_path / "merges.txt")


@pytest.mark.peer
def test_tokens_are_those_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    vocab, merges = gpt2_files(tmp_path, BytePairTokenizer.train(TEXT, 300))
    ours = BytePairTokenizer.from_gpt2(vocab, merges)
    theirs = transformers.GPT2Tokenizer(vocab=str(vocab), merges=str(merges))
    for text in (TEXT, "  two  spaces\t\n x", "½ ²³Ⅷ٣x", "naïve_日本 123'll"):
        assert ours.encode(text).tolist() == theirs(text)["input_ids"], text


def test_errors_of_tokenizers_are_explained():
    tokenizer = BytePairTokenizer(BYTES)
    with pytest.raises(DataError, match="256 is no id of a token: there are 256"):
        tokenizer.decode([256])
    with pytest.raises(DataError, match="takes the ids of one text"):
        tokenizer.decode([[1]])
    with pytest.raises(DataError, match="takes the ids of one text"):
        tokenizer.decode([1.5])
    with pytest.raises(DataError, match="at least the 256 bytes, got 10"):
        BytePairTokenizer.train("", 10)
    with pytest.raises(DataError, match="two tokens are equal"):
        BytePairTokenizer([*BYTES, b"a"])
