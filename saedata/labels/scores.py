"""Scores of labels, each beside its floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.labels.embedding_score import embedding_score
from saedata.labels.judged_scores import Question, Tally, Task, judge
from saedata.labels.score_windows import LEAST, Sample, draw
from saedata.sentences import Remembered, embed_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saedata.endpoint import LanguageModel
    from saedata.labels.windows import WindowPool
    from saedata.sentences import Embed

Metric = Literal["embedding", "embedding_top", "detection", "fuzzing"]

SCHEMA = {
    "feature": pl.UInt32,
    "label": pl.String,
    "kind": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "floor": pl.Float64,
    "positives": pl.UInt32,
    "negatives": pl.UInt32,
    "unanswered": pl.UInt32,
}


def score_labels(
    pool: WindowPool,
    labels: pl.DataFrame,
    *,
    metrics: Sequence[Metric] = ("embedding",),
    model: LanguageModel | None = None,
    embed: Embed = embed_sentences,
    windows: int = 50,
    floors: int | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Score labels by how well they tell windows where their feature is on from windows where it is off.

    Parameters
    ----------
    pool
        Windows of a corpus that the labels were not made from, if the scores are to be claimed.
    labels
        Columns feature and label, and kind if there is one; rows without a label are left out.
    metrics
        - "embedding": AUROC of cosine(label, window) in a sentence embedding, positives drawn equally from the ten
          activation deciles; "embedding_top": positives from the strongest decile alone, at least 10
        - "detection": balanced accuracy of a language model that says which windows fit the label
        - "fuzzing": the same for marked tokens, right ones or random ones
    model
        Who answers for detection and fuzzing.
    embed
        Gives vectors for texts; default: the bundled sentence embedding, which shares its reader with the bundled
        encoder, so that another embedder is the fairer judge there.
    windows
        Positives, and as many negatives; a feature with fewer is scored on what there is, from 10 of each on.
    floors
        For detection and fuzzing, which cost: of how many features the floor is asked for, chosen at random; None: all.
    seed
        Of windows, floors and order.

    Returns
    -------
    polars.DataFrame
        One row for each metric and labelled feature, in the order of `metrics` and `labels`:

        - ``feature``, ``label``, ``kind``: as in `labels`
        - ``metric``: its name
        - ``value``: 1 is best and 0.5 is chance; null if a side has fewer than 10 windows (or answers)
        - ``floor``: the same for the label of a random other feature on the same windows; null where `value` cannot be
          given, where all labels are alike, or where it was not asked for
        - ``positives``, ``negatives``: windows on each side, with an answer if a model was asked
        - ``unanswered``: windows for which the model gave no usable answer

    Raises
    ------
    InputError
        If a metric is not known or needs a model, fewer than 10 windows are asked for, or the labels are not of this
        pool's features.

    Notes
    -----
    Detection, fuzzing and embedding score are delphi's (Paulo et al., 2410.13928). The second floor, labels written
    for a random-weight SAE, needs labels of its own: see `random_encoder`, and score them by the same call.
    """
    scored = _labelled(labels, pool)
    _check(metrics, model, windows)
    if scored.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    run = _Run(pool, scored, _others(scored["label"], seed), Remembered(embed), model, windows, floors, seed)
    return pl.concat([run.table(metric) for metric in metrics])


def mean_scores(scores: pl.DataFrame, *, by_kind: bool = False) -> pl.DataFrame:
    """Means of `score_labels`: metric (and kind), features scored, value, floor, and features left unscored.

    Examples
    --------
    >>> scores = pl.DataFrame({"metric": ["embedding"] * 3, "value": [0.9, 0.7, None], "floor": [0.5, 0.6, None]})
    >>> mean_scores(scores).rows()
    [('embedding', 2, 0.8, 0.55, 1)]
    """
    return scores.group_by("metric", *["kind"] * by_kind, maintain_order=True).agg(
        pl.col("value").count().alias("features"),
        pl.col("value").mean().round(6),
        pl.col("floor").mean().round(6),
        unscored=pl.col("value").null_count(),
    )


@dataclass(frozen=True)
class _Run:
    """What all metrics of a call have in common."""

    pool: WindowPool
    labels: pl.DataFrame
    others: list[str | None]
    embed: Embed
    model: LanguageModel | None
    windows: int
    floors: int | None
    seed: int

    def table(self, metric: Metric) -> pl.DataFrame:
        deciles: Literal["all", "top"] = "top" if metric == "embedding_top" else "all"
        features = self.labels["feature"].to_list()
        samples = draw(self.pool, features, windows=self.windows, deciles=deciles, seed=self.seed)
        enough = [min(len(s.positives), len(s.negatives)) >= LEAST for s in samples]
        judged = metric in get_args(Task)
        columns = self._judged(metric, samples, enough) if judged else self._embedded(samples, enough)  # type: ignore[arg-type]
        table = self.labels.with_columns(metric=pl.lit(metric), **columns)
        return table.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).with_columns(
            pl.col("value", "floor").fill_nan(None)
        )

    def _embedded(self, samples: list[Sample], enough: list[bool]) -> dict[str, pl.Series | pl.Expr]:
        own, other = (
            embedding_score(
                samples,
                [text if enough[i] else None for i, text in enumerate(texts)],
                self.pool.texts,
                embed=self.embed,
            )
            for texts in (self.labels["label"].to_list(), self.others)
        )
        return {
            "value": pl.Series(own),
            "floor": pl.Series(other),
            "positives": pl.Series([len(s.positives) for s in samples]),
            "negatives": pl.Series([len(s.negatives) for s in samples]),
            "unanswered": pl.lit(0),
        }

    def _judged(self, task: Task, samples: list[Sample], enough: list[bool]) -> dict[str, pl.Series | pl.Expr]:
        assert self.model is not None
        rows = [i for i, yes in enumerate(enough) if yes]
        chosen = np.random.default_rng([self.seed, 4]).permutation(rows)[: self.floors].tolist()
        floored = [i for i in sorted(chosen) if self.others[i]]
        own = [Question(f"{samples[i].feature}/label", self.labels["label"][i], samples[i]) for i in rows]
        other = [Question(f"{samples[i].feature}/floor", str(self.others[i]), samples[i]) for i in floored]
        tallies = judge(task, [*own, *other], self.pool, self.model, seed=self.seed)
        asked = dict(zip(rows, tallies[: len(rows)], strict=True))
        floors = dict(zip(floored, tallies[len(rows) :], strict=True))
        small = {i: Tally(answered=[len(s.negatives), len(s.positives)]) for i, s in enumerate(samples)}
        ours = [asked.get(i, small[i]) for i in range(len(samples))]
        return {
            "value": pl.Series([tally.value(least=LEAST) for tally in ours]),
            "floor": pl.Series([floors.get(i, Tally()).value(least=LEAST) for i in range(len(samples))]),
            "positives": pl.Series([tally.answered[1] for tally in ours]),
            "negatives": pl.Series([tally.answered[0] for tally in ours]),
            "unanswered": pl.Series([tally.unanswered for tally in ours]),
        }


def _labelled(labels: pl.DataFrame, pool: WindowPool) -> pl.DataFrame:
    missing = [name for name in ("feature", "label") if name not in labels.columns]
    if missing:
        msg = f"the table of labels has no column {missing[0]!r}; it needs feature and label"
        raise InputError(msg)
    if "kind" not in labels.columns:
        labels = labels.with_columns(kind=pl.lit(None, pl.String))
    known = labels.select("feature", "label", "kind").filter(pl.col("label").str.strip_chars() != "")
    if known["feature"].is_duplicated().any():
        msg = "the table of labels has a feature twice; keep one row for each"
        raise InputError(msg)
    largest = known["feature"].max()
    if isinstance(largest, int) and largest >= pool.d_sae:
        msg = f"the labels are not of this encoder: there is one for feature {largest}, but only {pool.d_sae} features"
        raise InputError(msg)
    return known


def _check(metrics: Sequence[str], model: LanguageModel | None, windows: int) -> None:
    if windows < LEAST:
        msg = f"{windows} windows are too few to score a label; ask for {LEAST} or more"
        raise InputError(msg)
    for metric in metrics:
        if metric not in get_args(Metric):
            msg = f"there is no score {metric!r}; known: {', '.join(get_args(Metric))}"
            raise InputError(msg)
        if metric in get_args(Task) and model is None:
            msg = f"the score {metric!r} is given by a language model: name an endpoint or a local model"
            raise InputError(msg)


def _others(labels: pl.Series, seed: int) -> list[str | None]:
    """For each feature the label of a random other one; None if all are the same."""
    code = labels.rank("dense").to_numpy()
    if len(np.unique(code)) < 2:
        return [None] * len(labels)
    rng = np.random.default_rng([seed, 3])
    other = rng.integers(len(code), size=len(code))
    while (same := code[other] == code).any():
        other[same] = rng.integers(len(code), size=int(same.sum()))
    return [labels[i] for i in other.tolist()]
