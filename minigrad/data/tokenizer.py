"""Text as token ids: `Tokenizer`, and the one by characters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad.data.download import PathLike
from minigrad.errors import DataError

BYTES: Final = [bytes([k]) for k in range(256)]
"""The tokens that every vocabulary has, so that there is no text that cannot be written."""


def to_bytes(text: str) -> bytes:
    """UTF-8 of any string, also of one with halves of surrogate pairs."""
    return text.encode("utf-8", "surrogatepass")


def to_text(content: bytes) -> str:
    """The inverse of `to_bytes`; what is no UTF-8, as a part of a character, becomes U+FFFD."""
    try:
        return content.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace")


class Tokenizer:
    """Text to numbers and back: `decode(encode(text)) == text` for every string.

    Subclasses write `encode`, and say with `_settings` and `_from_settings` what their file holds.

    Args:
        tokens: the bytes of each token, by its id. All 256 single bytes are among them.

    Attributes:
        tokens: those.
    """

    kind: ClassVar[str] = ""
    """What the file calls it."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.tokens = list(tokens)

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self.tokens)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens)"

    def encode(self, text: str) -> NDArray[np.int64]:
        """The ids of a text's tokens.

        Args:
            text: any string.

        Returns:
            int64 (T,).
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method encode(self, text)")

    def decode(self, ids: ArrayLike) -> str:
        """The text of token ids.

        Args:
            ids: integers, (T,).

        Raises:
            DataError: one is the id of no token.
        """
        numbers = np.asarray(ids)
        numbers = numbers.astype(np.int64) if numbers.size == 0 else numbers
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
            raise DataError(
                f"{type(self).__name__}: decode takes the ids of one text, integers (T,), got {numbers.dtype} of shape "
                f"{numbers.shape}. Decode one after the other."
            )
        wrong = numbers[(numbers < 0) | (numbers >= len(self))]
        if wrong.size:
            raise DataError(f"{type(self).__name__}: {wrong[0]} is no id of a token: there are {len(self)}")
        return to_text(b"".join([self.tokens[k] for k in numbers]))

    def save(self, path: PathLike) -> None:
        """Write it into a JSON file.

        Args:
            path: where to.
        """
        Path(path).write_text(json.dumps({"kind": self.kind, **self._settings()}), "utf-8")

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read what `save` wrote.

        Args:
            path: the file.

        Raises:
            DataError: it is missing, damaged, or holds a tokenizer of another kind.
        """
        settings = read_json(path)
        if settings.get("kind") != cls.kind:
            raise DataError(f"{path} holds no {cls.__name__}: its kind is {settings.get('kind')!r}, not {cls.kind!r}")
        try:
            return cls._from_settings(settings)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged: {type(error).__name__}: {error}") from error

    def _settings(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        raise NotImplementedError


class CharacterTokenizer(Tokenizer):
    """A token for each known character, and the bytes of UTF-8 for all others (byte fallback).

    The ids of the 256 bytes come first, those of the characters follow.

    Args:
        characters: the known ones, each once.

    Raises:
        DataError: a character is there twice, or is no single character.

    Source: the fallback, T. Kudo and J. Richardson, "SentencePiece", 2018, arXiv:1808.06226.

    >>> tokenizer = CharacterTokenizer.train("hello")
    >>> tokenizer.encode("hole").tolist(), tokenizer.decode(tokenizer.encode("olé"))
    ([257, 259, 258, 256], 'olé')
    """

    kind = "characters"

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = list(characters)
        if len(set(self.characters)) != len(self.characters) or any(len(c) != 1 for c in self.characters):
            raise DataError(
                "CharacterTokenizer: characters are single ones, each once: use CharacterTokenizer.train(text) for "
                "those of a text."
            )
        super().__init__([*BYTES, *map(to_bytes, self.characters)])
        self._numbers = {c: 256 + k for k, c in enumerate(self.characters)}

    @classmethod
    def train(cls, text: str) -> Self:
        """One that knows the characters of a text, in their order in Unicode.

        Args:
            text: it.
        """
        return cls(sorted(set(text)))

    def encode(self, text: str) -> NDArray[np.int64]:
        """The ids of a text's characters, or of their bytes where they are not known.

        Args:
            text: any string.

        Returns:
            int64 (T,).
        """
        ids: list[int] = []
        for character in text:
            number = self._numbers.get(character)
            ids.extend(to_bytes(character) if number is None else [number])
        return np.array(ids, np.int64)

    def _settings(self) -> dict[str, Any]:
        return {"characters": self.characters}

    @classmethod
    def _from_settings(cls, settings: Mapping[str, Any]) -> Self:
        return cls(settings["characters"])


def read_json(path: PathLike) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        DataError: it is missing, or holds none.
    """
    try:
        found = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no JSON object, but a {type(found).__name__}")
    return found
