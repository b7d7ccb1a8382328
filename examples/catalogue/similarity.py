"""How like a query is to each text: the cosine of TF-IDF vectors.

It stands in for an embedding model, which would need a download of some hundred megabytes. A model
knows that "out of memory" and "OOMKilled" belong together; this knows words only, and its
similarities are smaller.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""`KubePodCrashLooping` is four words, and so is `kube-pod-crash-looping`."""

Vector = Mapping[str, float]


class Similarity:
    """Texts, ready to be compared with queries."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words(text)) for text in texts]
        texts_with = Counter(word for count in counts for word in count)
        self._rarity = {
            word: math.log((1 + len(texts)) / (1 + number)) + 1
            for word, number in texts_with.items()
        }
        self._vectors = [self._vector(count) for count in counts]

    def of(self, query: str) -> list[float]:
        """Give the similarity of every text, 0 to 1, in their order."""
        asked = self._vector(Counter(words(query)))
        return [
            sum(weight * vector.get(word, 0.0) for word, weight in asked.items())
            for vector in self._vectors
        ]

    def _vector(self, counts: Mapping[str, int]) -> Vector:
        """Give a vector of length 1; words that are in no text do not count."""
        weights = {
            word: (1 + math.log(number)) * self._rarity[word]
            for word, number in counts.items()
            if word in self._rarity
        }
        length = math.hypot(*weights.values())
        return {word: weight / length for word, weight in weights.items()}


def words(text: str) -> list[str]:
    """Give the words of a text in lower case."""
    return [word.lower() for word in WORD.findall(text)]
