"""Embedding score: whether a label is nearer to the windows where its feature is on than to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from saedata.labels.score_windows import Sample
    from saedata.sentences import Embed


def auroc(positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    """Chance that a positive is above a negative, ties counted half (area under the ROC curve); neither may be empty.

    Examples
    --------
    >>> auroc(np.array([3, 2]), np.array([1, 2]))
    0.875
    """
    above = (positives[:, None] > negatives).mean()
    level = (positives[:, None] == negatives).mean()
    return float(above + level / 2)


def embedding_score(
    samples: Sequence[Sample], labels: Sequence[str | None], texts: Sequence[str], *, embed: Embed
) -> NDArray[np.float64]:
    """AUROC of cosine(label, window) for windows where the feature is on against windows where it is off.

    delphi's embedding score (2410.13928). Every distinct window and label is embedded once.

    Parameters
    ----------
    samples
        Windows of each feature.
    labels
        What is said of each feature; None gives NaN.
    texts
        The pool's windows.
    embed
        Gives vectors for texts; they are brought to unit length here.

    Returns
    -------
    numpy.ndarray
        One AUROC for each sample; NaN where there is no label or a side has no windows.
    """
    scores = np.full(len(samples), np.nan)
    known = [i for i, sample in enumerate(samples) if labels[i] and len(sample.positives) and len(sample.negatives)]
    if not known:
        return scores
    used = np.unique(np.concatenate([np.append(samples[i].positives, samples[i].negatives) for i in known]))
    windows = _unit(embed([texts[w] for w in used.tolist()]))
    said = sorted({str(labels[i]) for i in known})
    meant = dict(zip(said, _unit(embed(said)), strict=True))
    for i in known:
        label, sample = meant[str(labels[i])], samples[i]
        on, off = (windows[np.searchsorted(used, part)] @ label for part in (sample.positives, sample.negatives))
        scores[i] = auroc(on, off)
    return scores


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors = np.asarray(vectors, dtype=np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    return unit
