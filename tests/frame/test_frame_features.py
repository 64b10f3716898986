"""Statistics, tokens and names of features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from saedata.frame import Embeddings, feature_name, feature_name_expr
from saedata.frame.features import _word

MakeFrame = Callable[..., Embeddings]


def expected(dense: np.ndarray, threshold: float = 0.0) -> dict[str, list[float | None]]:
    """The definitions, one feature after the other."""
    rows: dict[str, list[float | None]] = {"documents": [], "density": [], "mean": [], "max": [], "q90": []}
    for column in dense.T:
        on = column[column > threshold]
        rows["documents"].append(len(on))
        rows["density"].append(len(on) / len(dense))
        for name, value in (("mean", np.mean), ("max", np.max), ("q90", lambda x: np.quantile(x, 0.9))):
            rows[name].append(float(value(on)) if len(on) else None)
    return rows


def assert_statistics(frame: Embeddings, dense: np.ndarray, threshold: float = 0.0) -> None:
    for name, values in expected(dense, threshold).items():
        found = frame.features[name].to_list()
        assert [v is None for v in found] == [v is None for v in values], name
        assert [v for v in found if v is not None] == pytest.approx([v for v in values if v is not None], rel=1e-6), (
            name
        )


@pytest.fixture
def random_rows() -> list[tuple[str, dict[int, float]]]:
    numbers = np.random.default_rng(1)
    return [
        (
            f"text {i % 40}",
            {int(f): float(numbers.gamma(1)) for f in numbers.choice(20, i % 9, replace=False)},
        )
        for i in range(60)
    ]


def test_statistics_of_a_frame_and_its_views(make_frame: MakeFrame, random_rows: list[tuple[str, dict[int, float]]]):
    frame = make_frame("a.sae", random_rows, features=24, shard=7, user={"n": list(range(60))})
    dense = frame.to_csr().toarray()
    assert_statistics(frame, dense)
    even = frame.filter(pl.col("n") % 2 == 0)
    assert_statistics(even, dense[::2])
    assert_statistics(Embeddings.concat([even, frame]), np.concatenate([dense[::2], dense]))
    chosen = even.select([3, 17])
    assert chosen.features.equals(even.features[[3, 17]])
    written = make_frame("b.sae", random_rows[::2], features=24, shard=7)
    assert even.features.drop("tokens").equals(written.features.drop("tokens"))


def test_values_at_or_below_the_threshold_are_off(make_frame: MakeFrame):
    """As in signed SAEs, or where the threshold is above zero."""
    rows = [("a b", {0: -1.0, 1: 0.5}), ("c d", {0: 2.0, 1: 0.25}), ("e f", {0: -3.0, 1: 0.75})]
    frame = make_frame("signed.sae", rows)
    assert frame.documents_on().tolist()[:2] == [1, 3]
    assert frame.documents_on(threshold=-2).tolist()[:2] == [2, 3]
    assert frame.top_documents(0)["doc"].to_list() == [1]
    assert frame.features["max"].to_list()[:2] == [2.0, 0.75]
    high = make_frame("high.sae", rows, encoder={"threshold": 0.5})
    assert high.documents_on().tolist()[:2] == [1, 1]
    assert_statistics(high, high.to_csr().toarray(), 0.5)


def test_tokens_are_those_of_the_strongest_documents(make_frame: MakeFrame):
    rows = [
        *[("Sorry you", {0: 5.0})] * 2,
        ("Apologies, friend", {0: 9.0}),
        (" ", {0: 8.0}),
        *[(f"{word} weak", {0: 3.0}) for word in ["one", "two", "three", "four", "five", "six"]],
        *[("zero weak", {0: 0.1})] * 20,
    ]
    tokens = make_frame("a.sae", rows, features=2).features["tokens"].to_list()
    assert tokens[0] == ["zero", "sorry", "apologies,", "one", "two", "three"]
    assert tokens[1] is None


@pytest.mark.parametrize(
    ("text", "token", "word"),
    [
        ("an apology of ours", "polog", "apology"),
        ("an apology of ours", " apolog", "apology"),  # most tokenizers put the space before the word into its token
        ("an apology of ours", "an ", "an"),
        ("so Entschuldigungen", "schuldig", "entschuldigungen"),
        ("我很抱歉打扰你", "抱歉", "抱歉"),
        ("读ccav报道", "cc", "ccav"),
        ("wait...", "...", "..."),
    ],
)
def test_a_token_stands_for_its_word(text: str, token: str, word: str):
    frame = pl.DataFrame({"text": [text], "start": [text.index(token)], "stop": [text.index(token) + len(token)]})
    assert frame.select(word=_word())["word"].item() == word


def test_tokens_are_cut_by_characters_not_bytes(frame: Embeddings):
    assert frame.features["tokens"].to_list()[3] == ["talk"]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"feature": 12, "label": "apology", "tokens": ["sorry"]}, "apology"),
        ({"feature": 12, "label": None, "tokens": ["sorry", "we"]}, "feature 12 · tokens: sorry, we"),
        ({"feature": 12, "label": "  ", "tokens": ["sorry"]}, "feature 12 · tokens: sorry"),
        ({"feature": 12, "label": None, "tokens": None}, "feature 12"),
        ({"feature": 12, "label": "", "tokens": []}, "feature 12"),
    ],
)
def test_display_name_is_never_empty(row: dict[str, object], name: str):
    schema = {"feature": pl.UInt32, "label": pl.String, "tokens": pl.List(pl.String)}
    assert feature_name(row) == name
    assert pl.DataFrame([row], schema=schema).select(feature_name_expr()).item() == name
