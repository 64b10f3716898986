"""What `toxicity` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from saedata.analysis.toxicity.spans import toxic_spans
from saedata.errors import InputError
from saedata.probing.curves import CURVES as METHOD_CURVES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from saedata.encoders import LoadedEncoder
    from saedata.frame import Embeddings
    from saedata.probing.detector import Detector

Kind = Literal["rule", "head"]

_NUMBERS = (
    "f1 low high macro_f1 macro_low macro_high auc auc_low auc_high difference difference_low difference_high "
    "precision recall fpr brier brier_low brier_high ece ece_low ece_high validation"
)
TABLE = pl.Schema(
    {"train_language": pl.String(), "test_language": pl.String(), "method": pl.String(), "k": pl.UInt32()}
    | dict.fromkeys(_NUMBERS.split(), pl.Float64())
    | {"chosen": pl.String(), "best": pl.Boolean(), "train": pl.UInt32(), "test": pl.UInt32()}
)
FEATURES = pl.Schema(
    {
        "language": pl.String(),
        "rank": pl.UInt32(),
        "feature": pl.UInt32(),
        "label": pl.String(),
        "kind": pl.String(),
        "toxic": pl.Float64(),
        "clean": pl.Float64(),
        "difference": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "level": pl.Float64(),
        "in_rule": pl.Boolean(),
        "weight": pl.Float64(),
        "evidence": pl.List(pl.UInt32()),
    }
)
OVERLAP = pl.Schema(
    {
        "language_a": pl.String(),
        "language_b": pl.String(),
        "jaccard": pl.Float64(),
        "features": pl.List(pl.UInt32()),
    }
)
EFFICIENCY = pl.Schema(
    {
        "language": pl.String(),
        "method": pl.String(),
        "share": pl.Float64(),
        "documents": pl.UInt32(),
        "f1": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "kept": pl.Float64(),
    }
)
_SIDES = "fpr_mentioned mentioned_low mentioned_high fpr_others others_low others_high difference low high"
FAIRNESS = pl.Schema(
    {"language": pl.String(), "method": pl.String(), "mentioned": pl.UInt32(), "others": pl.UInt32()}
    | dict.fromkeys(_SIDES.split(), pl.Float64())
    | {"terms": pl.List(pl.String())}
)
LAYERS = pl.Schema(
    {
        "layer": pl.UInt32(),
        "frame": pl.String(),
        "language": pl.String(),
        "feature": pl.UInt32(),
        "difference": pl.Float64(),
        "chosen": pl.Boolean(),
    }
)
CURVES = pl.Schema({"language": pl.String(), **METHOD_CURVES})


@dataclass(frozen=True, eq=False)
class Toxicity:
    """What is toxic, in each language, as a few tables, and the detectors.

    Attributes
    ----------
    table
        A row for each training set, tested language and method: ``train_language`` (a language, "all others", "all
        languages", or "each its own"), ``test_language`` (or "mean" of all), ``method`` ("OR rule", "head", "difference
        in means", "dense", "character TF-IDF", "lexicon", "learned lexicon") and ``k`` features; ``f1`` of the toxic
        class with its interval ``low`` to ``high``, ``macro_f1`` (mean of both classes), ``auc``, ``brier`` and ``ece``
        with theirs, ``precision``, ``recall``, ``fpr`` (share of clean documents said to be toxic); ``difference`` of
        ``macro_f1`` from that of "dense", paired; ``validation`` (the cross-validated figure that k was chosen by: F1
        of rules, AUC of the others), what was ``chosen``, whether this is the ``best`` k by it, and the numbers of
        documents in ``train`` and ``test``. In the rows "each its own" / "mean" with ``best`` and no k, every language
        has the k that validates best.
    features
        At most ten features of each language with the largest ``difference`` above 0 of the shares of ``toxic`` and
        ``clean`` discovery documents where they are on (interval ``low`` to ``high``), and those of the rule: ``rank``,
        ``feature``, ``label``, ``kind``, the ``level`` that it must exceed in the rule (``in_rule``), its ``weight`` in
        the best head, and its strongest toxic documents as ``evidence``.
    overlap
        Of two languages the Jaccard index of those ten features, and which they share.
    efficiency
        ``f1`` of rule and head learnt from a ``share`` of the discovery documents, and what part of that of all is
        ``kept``.
    fairness
        Share of clean evaluation documents said to be toxic where they mention an identity (``mentioned``) and where
        they do not (``others``), with Wilson intervals; their ``difference`` with Newcombe's; the ``terms`` found most.
        In the row "all languages" the shares are Mantel and Haenszel's weighted means over the languages.
    layers
        Where several frames were given: the largest difference of each layer and language, and which was ``chosen``.
    curves
        For each language and method: ``curve`` ("roc", "pr", "calibration"), ``x``, ``y``, and score ``at`` the point.
    leaks
        Evaluation documents that are in the discovery too: ``doc``, ``train_doc``, ``similarity``, ``exact``.
    detectors
        By language (and "all languages"): "rule" and "head".
    frame
        The frame that was chosen.
    """

    table: pl.DataFrame
    features: pl.DataFrame
    overlap: pl.DataFrame
    efficiency: pl.DataFrame
    fairness: pl.DataFrame
    layers: pl.DataFrame
    curves: pl.DataFrame
    leaks: pl.DataFrame
    detectors: dict[str, dict[Kind, Detector]]
    frame: Embeddings

    def detector(self, language: str | None = None, *, kind: Kind = "head") -> Detector:
        """A detector, for `classify` and `toxic_spans`.

        Parameters
        ----------
        language
            Whose; None: of all languages, or of the only one.
        kind
            "rule" (any of a few features) or "head" (logistic regression on more).

        Raises
        ------
        InputError
            There is none of this language or kind.
        """
        wanted = language if language is not None else next(reversed(self.detectors))
        if wanted not in self.detectors or kind not in ("rule", "head"):
            names = ", ".join(map(repr, self.detectors))
            msg = f"there is no detector {kind!r} of {wanted[:60]!r}; there are 'rule' and 'head' of {names}"
            raise InputError(msg)
        return self.detectors[wanted][kind]

    def save(self, path: str | Path, *, language: str | None = None, kind: Kind = "head") -> None:
        """Write a detector as JSON; see `detector` for the parameters."""
        self.detector(language, kind=kind).save(path)

    def spans(
        self,
        docs: Sequence[int] | None = None,
        *,
        language: str | None = None,
        tokens: bool = False,
        encoder: LoadedEncoder | None = None,
    ) -> pl.DataFrame:
        """Toxic spans by the rule of a language; see `toxic_spans`."""
        rule = self.detector(language, kind="rule")
        given: dict[str, Any] = {"tokens": tokens, "encoder": encoder}
        return toxic_spans(self.frame, rule, docs, **given)
