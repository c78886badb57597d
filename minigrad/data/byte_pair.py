"""Byte-pair encoding: text as pieces that are frequent in it, down to single bytes."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from minigrad.data.download import PathLike
from minigrad.data.tokenizer import BYTES, Tokenizer, read_json, to_bytes
from minigrad.errors import DataError

Pair = tuple[bytes, bytes]
"""Two neighboring pieces."""

SPACES: Final = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""White space, as a part of a class of a regular expression."""

KEPT_WORDS: Final = 10_000
"""How many words' tokens are remembered."""


class BytePairTokenizer(Tokenizer):
    """Byte-pair encoding as of GPT-2: the two neighboring pieces that were most frequent in training become one.

    Text is first cut into words, each with the space in front of it; pieces never reach over the end of a word.

    Args:
        tokens: the bytes of each token, by its id; no two are equal, and all 256 single bytes are among them.
        merges: which pairs become one, the first ones first; each result is a token (default ()).

    Attributes:
        tokens: those.
        merges: those.
        ids: the id of each token, by its bytes.

    Raises:
        DataError: tokens are equal, a byte is missing, or a merge gives no token.

    Source: R. Sennrich, B. Haddow and A. Birch, "Neural machine translation of rare words with subword units", 2016,
    arXiv:1508.07909; on bytes, A. Radford et al., "Language models are unsupervised multitask learners", 2019.

    >>> tokenizer = BytePairTokenizer.train("low lower lowest", vocab_size=259)
    >>> [tokenizer.decode([k]) for k in tokenizer.encode("lower")]
    ['low', 'e', 'r']
    """

    kind = "byte pairs"

    def __init__(self, tokens: Sequence[bytes], merges: Sequence[Pair] = ()) -> None:
        super().__init__(tokens)
        self.merges = [(first, second) for first, second in merges]
        self.ids = {token: k for k, token in enumerate(self.tokens)}
        missing = [token for token in (*BYTES, *map(b"".join, self.merges)) if token not in self.ids]
        if missing or len(self.ids) != len(self.tokens):
            what = f"{missing[0]!r} is no token" if missing else "two tokens are equal"
            raise DataError(f"BytePairTokenizer: {what}. Make one with BytePairTokenizer.train(text, vocab_size).")
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._known: dict[bytes, list[int]] = {}

    @classmethod
    def train(cls, text: str, vocab_size: int) -> Self:
        """Learn the merges from a text.

        Args:
            text: it.
            vocab_size: how many tokens there are to be, at least 256; fewer if no pair is left that occurs twice.

        Raises:
            DataError: vocab_size is less than 256.
        """
        if vocab_size < 256:
            raise DataError(f"BytePairTokenizer: vocab_size is at least the 256 bytes, got {vocab_size}. Use 512.")
        merges: list[Pair] = []
        tokens = list(BYTES)
        for pair in _frequent_pairs(Counter(words(text))):
            merged = b"".join(pair)
            if len(tokens) >= vocab_size:
                break
            merges.append(pair)
            tokens += [merged] if merged not in tokens else []
        return cls(tokens, merges)

    @classmethod
    def from_gpt2(cls, vocab: PathLike, merges: PathLike) -> Self:
        """Read the files of GPT-2's tokenizer, `vocab.json` and `merges.txt` (`encoder.json` and `vocab.bpe`).

        Special tokens, such as `<|endoftext|>`, are tokens that no merge gives: `ids` has them, `encode` does not give
        them.

        Args:
            vocab: a JSON object, from each token to its id. Bytes are written as in GPT-2: a printable character each.
            merges: a text file with a pair a line, behind a line with the version.

        Raises:
            DataError: a file is missing or damaged, or they do not fit together.
        """
        byte_of = {character: byte for byte, character in printable_bytes().items()}

        def read(written: str) -> bytes:
            return bytes([byte_of[character] for character in written])

        found = read_json(vocab)
        try:
            lines = Path(merges).read_text("utf-8").split("\n")
            pairs = [line.split(" ") for line in lines if line.strip() and not line.startswith("#version")]
            by_id = {number: token for token, number in found.items()}
            tokens = [read(by_id[number]) for number in range(len(found))]
            return cls(tokens, [(read(first), read(second)) for first, second in pairs])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{vocab} and {merges} are no files of GPT-2's tokenizer: {error!r}") from error

    def encode(self, text: str) -> NDArray[np.int64]:
        """The ids of a text's tokens.

        Args:
            text: any string.

        Returns:
            int64 (T,).
        """
        return np.array([number for word in words(text) for number in self._word(word)], np.int64)

    def _word(self, word: bytes) -> list[int]:
        """The ids of the tokens of one word: merge its neighbors, the pair of the first rank first."""
        known = self._known.get(word)
        if known is not None:
            return known
        pieces = [word[k : k + 1] for k in range(len(word))]
        while len(pieces) > 1:
            pair = min(pairwise(pieces), key=lambda pair: self._ranks.get(pair, sys.maxsize))
            if pair not in self._ranks:
                break
            pieces = merge(pieces, pair)
        numbers = [self.ids[piece] for piece in pieces]
        if len(self._known) < KEPT_WORDS:
            self._known[word] = numbers
        return numbers

    def _settings(self) -> dict[str, Any]:
        write = printable_bytes()
        texts = ["".join([write[byte] for byte in token]) for token in self.tokens]
        pairs = [["".join([write[byte] for byte in piece]) for piece in pair] for pair in self.merges]
        return {"tokens": texts, "merges": pairs}

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        byte_of = {character: byte for byte, character in printable_bytes().items()}

        def read(written: str) -> bytes:
            return bytes([byte_of[character] for character in written])

        return cls(list(map(read, settings["tokens"])), [(read(a), read(b)) for a, b in settings["merges"]])


def words(text: str) -> list[bytes]:
    """A text cut before each word, number and run of signs, as GPT-2 cuts it: together they are the text.

    >>> words("It's 2 o'clock")
    [b'It', b"'s", b' 2', b' o', b"'", b'clock']
    """
    return [to_bytes(word) for word in _pattern().findall(text)]


@cache
def _pattern() -> re.Pattern[str]:
    """GPT-2's regular expression, with the classes of letters and numbers that Python's `re` has no names for."""
    letters, numbers = _characters("L"), _characters("N")
    return re.compile(
        rf"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{SPACES}{letters}{numbers}]+"
        rf"|[{SPACES}]+(?![^{SPACES}])|[{SPACES}]+"
    )


def _characters(category: str) -> str:
    """The ranges of all characters whose category in Unicode begins with a letter."""
    ranges: list[list[int]] = []
    for k in range(sys.maxunicode + 1):
        if unicodedata.category(chr(k))[0] == category:
            if ranges and ranges[-1][1] == k - 1:
                ranges[-1][1] = k
            else:
                ranges.append([k, k])
    return "".join([f"{chr(first)}-{chr(last)}" for first, last in ranges])


def merge(pieces: list[bytes], pair: Pair) -> list[bytes]:
    """The pieces with each pair, from left to right, as one.

    >>> merge([b"a", b"a", b"a", b"b"], (b"a", b"a"))
    [b'aa', b'a', b'b']
    """
    merged: list[bytes] = []
    k = 0
    while k < len(pieces):
        both = k + 1 < len(pieces) and (pieces[k], pieces[k + 1]) == pair
        merged.append(pieces[k] + pieces[k + 1] if both else pieces[k])
        k += 1 + both
    return merged


def _frequent_pairs(counts: Mapping[bytes, int]) -> Iterator[Pair]:
    """The most frequent pair of all words, which are then merged by it, and again, while one occurs twice.

    Of pairs that are equally frequent, the one comes first whose bytes do.
    """
    pieces = {word: [word[k : k + 1] for k in range(len(word))] for word in counts}
    frequency: Counter[Pair] = Counter()
    occurs: defaultdict[Pair, set[bytes]] = defaultdict(set)
    for word, parts in pieces.items():
        for pair in pairwise(parts):
            frequency[pair] += counts[word]
            occurs[pair].add(word)
    while frequency:
        pair = min(frequency, key=lambda pair: (-frequency[pair], pair))
        if frequency[pair] < 2:
            return
        yield pair
        for word in occurs.pop(pair):
            former, pieces[word] = pieces[word], merge(pieces[word], pair)
            for old in pairwise(former):
                frequency[old] -= counts[word]
            for new in pairwise(pieces[word]):
                frequency[new] += counts[word]
                occurs[new].add(word)
        frequency = +frequency  # without those that are gone


@cache
def printable_bytes() -> dict[int, str]:
    """The character that stands for each byte in GPT-2's files: itself if it is printable, else one from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + k) for k, byte in enumerate(others)}
