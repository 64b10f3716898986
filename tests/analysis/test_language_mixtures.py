"""Two languages against one, on documents where it is known which there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from saedata.analysis.languages import languages
from saedata.analysis.languages.found import in_turns, joined
from saedata.analysis.languages.mixtures import CUTS, Mixtures, placed
from saedata.frame import Embeddings

MakeFrame = Callable[..., Embeddings]

OWN = {"da": range(0, 20, 2), "no": range(0, 20, 2), "en": range(1, 21, 2)}
"""Danish and Norwegian have their features in common, but for one each."""

ALONE = {"da": 20, "no": 22, "en": 21}
FEATURES, HALF = 24, 12

QUICK: dict[str, Any] = {
    "language": "lang",
    "random_sequences": 0,
    "baselines": (),
    "resamples": 5,
    "repeats": 1,
    "alpha": 0.1,
    "gamma": 0.6,
    "others": "mean",
}


def values_of(language: str, rng: np.random.Generator, places: range) -> dict[int, float]:
    on = [f for f in OWN[language] if f in places and rng.random() < 0.7]
    return dict.fromkeys(on + [ALONE[language]] * (ALONE[language] in places and rng.random() < 0.6), 2.0)


def text_of(number: int) -> str:
    """Feature f is strongest on word f."""
    return " ".join(f"w{number}x{place}" for place in range(FEATURES))


def plain(names: list[str], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [(text_of(n + 1000 * seed), values_of(name, rng, range(FEATURES))) for n, name in enumerate(names)]


def halves(first: str, second: str, count: int, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    parts = range(HALF), range(HALF, FEATURES)
    made = [(values_of(first, rng, parts[0]), values_of(second, rng, parts[1])) for _ in range(count)]
    return [(text_of(n + 1000 * seed), one | other) for n, (one, other) in enumerate(made)]


def test_shared_features_are_taken_in_turns():
    found = [np.array(own) for own in ([5, 3, 8, 1], [5, 3, 8, 1], [3, 9], [5])]
    assert [own.tolist() for own in in_turns(found, 2)] == [[5, 8], [3, 1], [9], []]
    assert joined(found, 2).tolist() == [1, 3, 5, 8, 9]
    assert [len(own) for own in in_turns(found, 1)] == [1, 1, 1, 0]
    assert [own.tolist() for own in in_turns(found[:1], 9)] == [[5, 3, 8, 1]]


def test_two_languages_are_found_where_they_are_and_one_is_not(make_frame: MakeFrame):
    names = ["da", "no", "en"] * 60
    frame = make_frame("a.sae", plain(names, 1), features=FEATURES, shard=50, user={"lang": names})
    one = plain(["da", "no", "en"] * 30, 2)
    two = halves("da", "en", 15, 3) + halves("en", "no", 15, 4)
    close = halves("da", "no", 30, 5)
    asked = make_frame("b.sae", [*one, *two, *close], features=FEATURES, shard=40)
    found = languages(frame, apply=asked, **QUICK).switching
    noticed = found.filter(pl.col("doc").is_between(90, 119))
    assert noticed.height >= 25
    assert found.filter(pl.col("doc") < 90).height <= 4
    assert found.filter(pl.col("doc") >= 120).height <= 2
    assert (found["score"] > found["usual"]).all()
    assert found["score"].is_sorted(descending=True)
    for row in noticed.iter_rows(named=True):
        assert "en" in (row["language"], row["other"])
        text = two[row["doc"] - 90][0]
        assert row["words"] == [text[a:b] for a, b in zip(row["starts"], row["stops"], strict=True)]
        places = [int(word.split("x")[1]) for word in row["words"]]
        assert len({place % 2 for place in places}) == 1  # the words of one language, English or the other
        assert (places[0] % 2 == 1) == (row["other"] == "en")


def test_a_score_is_the_likelihood_of_the_best_pair_against_the_best_language():
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.05, 0.95, (3, 6))
    mixtures = Mixtures(np.arange(6), shares, 0.0)
    where = np.where(rng.random((5, 6)) < 0.6, rng.uniform(0.01, 1, (5, 6)), np.nan)
    doc, feature = np.nonzero(~np.isnan(where))
    stop = np.round(where[doc, feature] * 1000).astype(np.uint32)
    cells = pl.DataFrame({"doc": doc, "feature": feature, "value": 1.0, "start": stop, "stop": stop})
    cells = cells.cast({"doc": pl.UInt32, "feature": pl.UInt32, "value": pl.Float32})
    places = placed(np.arange(5, dtype=np.uint32), cells, np.arange(6), 0.0)
    found = mixtures.best(places)
    at = places.toarray()
    for row in range(5):
        slow = []
        for cut in CUTS:
            chance = {(a, b): slow_chance(at[row], shares[a], shares[b], cut) for a in range(3) for b in range(3)}
            alone = max(value for (a, b), value in chance.items() if a == b)
            slow += [(value - alone, a, b, cut) for (a, b), value in chance.items() if a != b]
        score, first, second, cut = max(slow)
        assert found.score[row] == pytest.approx(score)
        assert (found.first[row], found.second[row], found.cut[row]) == (first, second, cut)


def slow_chance(places: Any, first: Any, second: Any, cut: float) -> float:
    total = 0.0
    for place, p, q in zip(places, first, second, strict=True):
        a, b = 1 - (1 - p) ** cut, 1 - (1 - q) ** (1 - cut)
        early, late, nowhere = a * (1 - b / 2), b * (1 - a / 2), (1 - a) * (1 - b)
        assert early + late + nowhere == pytest.approx(1)
        total += np.log(nowhere if place == 0 else early if place < cut else late)
    return total


def test_features_that_are_off_have_no_place():
    cells = pl.DataFrame(
        {"doc": [3, 3, 7], "feature": [4, 9, 4], "value": [2.0, 0.5, 3.0], "start": [0, 4, 0], "stop": [2, 8, 0]},
        schema_overrides={"doc": pl.UInt32, "feature": pl.UInt32, "value": pl.Float32},
    )
    places = placed(np.array([3, 5, 7], dtype=np.uint32), cells, np.array([2, 4, 9]), 1.0)
    assert places.toarray().tolist() == [[0, 0.5, 0], [0, 0, 0], [0, 0, 0]]
    assert places.nnz == 2
