"""What a user may ask of `cluster`, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saedata.errors import InputError
from saedata.neighbours import Similarity

Method = Literal["auto", "hdbscan", "spectral", "kmeans", "leiden"]
Noise = Literal["keep", "assign"]

SPECTRAL_DOCUMENTS = 20_000
"""With more documents "auto" takes k-means for a given number of clusters."""

NEIGHBOURS = 15
MOST_CLUSTERS = 5_000
"""More would not be read by anybody, nor fit in memory with the counts of all features."""

DENSE_AROUND = 5
"""Neighbours from which HDBSCAN takes the density around a document (min_samples)."""


@dataclass(frozen=True)
class Options:
    """How documents are grouped; see `cluster`."""

    method: Method = "auto"
    clusters: int | None = None
    smallest: int | None = None
    resolution: float = 1.0
    noise: Noise = "keep"
    neighbours: int | None = None
    similarity: Similarity = "jaccard"
    seed: int = 0

    def check(self) -> None:
        """Refuse what is out of range, or does not go together."""
        msg = ""
        if self.method not in ("auto", "hdbscan", "spectral", "kmeans", "leiden"):
            msg = f"method is {self.method!r}; it must be 'auto', 'hdbscan', 'spectral', 'kmeans' or 'leiden'"
        elif self.similarity not in ("jaccard", "cosine"):
            msg = f"similarity is {self.similarity!r}; it must be 'jaccard' or 'cosine'"
        elif self.noise not in ("keep", "assign"):
            msg = f"noise is {self.noise!r}; it must be 'keep' or 'assign'"
        elif not self.resolution > 0:
            msg = f"resolution is {self.resolution}; it must be above 0"
        else:
            msg = self._numbers() or self._together()
        if msg:
            raise InputError(msg)

    def _numbers(self) -> str:
        for name, least in (("clusters", 2), ("smallest", 2), ("neighbours", 2)):
            value = getattr(self, name)
            if value is not None and value < least:
                return f"{name} is {value}; it must be {least} or more"
        if self.clusters is not None and self.clusters > MOST_CLUSTERS:
            return f"clusters is {self.clusters}; at most {MOST_CLUSTERS:,} are possible"
        return ""

    def _together(self) -> str:
        if self.clusters is not None and self.method in ("hdbscan", "leiden"):
            return (
                f"{self.method} finds the number of clusters itself; leave out clusters, "
                "or choose the method 'spectral' or 'kmeans'"
            )
        if self.clusters is None and self.method in ("spectral", "kmeans"):
            return f"the method {self.method!r} needs the number of clusters; give clusters, e.g. 8"
        return ""

    def check_documents(self, documents: int, where: str) -> None:
        """Refuse more clusters or neighbours than there are documents with something to compare."""
        msg = ""
        if documents < 2:
            msg = f"{where} has {documents} different documents with any of these features on; grouping needs 2 or more"
        elif self.clusters is not None and self.clusters > documents:
            msg = f"clusters is {self.clusters}, but only {documents} documents of {where} can be grouped"
        elif self.neighbours is not None and self.neighbours >= documents:
            msg = f"neighbours is {self.neighbours}; of {documents} documents each has at most {documents - 1}"
        elif self.smallest is not None and self.smallest > documents:
            msg = f"smallest is {self.smallest}, but only {documents} documents of {where} can be grouped"
        if msg:
            raise InputError(msg)

    def chosen_method(self, documents: int) -> Method:
        """What "auto" stands for."""
        if self.method != "auto":
            return self.method
        if self.clusters is None:
            return "hdbscan"
        return "spectral" if documents <= SPECTRAL_DOCUMENTS else "kmeans"

    def neighbours_of(self, documents: int) -> int:
        """Neighbours for each document; fewer where there are not so many."""
        return min(self.neighbours or NEIGHBOURS, documents - 1)

    def smallest_of(self, documents: int) -> int:
        """Documents of the smallest cluster: 1 % of all, at least 10, but in tiny corpora a fifth."""
        return self.smallest or max(2, min(10, documents // 5), documents // 100)
