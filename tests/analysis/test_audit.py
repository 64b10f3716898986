"""Features of prompts against features of their responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from correlate_frames import frame_of, null_distribution, random_matrix
from polars.testing import assert_frame_equal
from scipy.stats import norm

from saedata.analysis.audit import SCHEMA, audit
from saedata.analysis.correlate.strata import crossed
from saedata.errors import InputError
from saedata.stats import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.frame import Embeddings

    Array = NDArray[Any]

EVERYTHING = {"limit": 10**6, "embed": None, "min_documents": 1}
N = 160


@pytest.fixture
def sides():
    """Prompts with 5 features and responses with 7: prompt feature 2 brings response feature 4, and keeps 5 away."""
    prompts, responses = random_matrix(11, N, 5), random_matrix(12, N, 7)
    responses[:, 4] = prompts[:, 2] & (np.arange(N) % 10 > 0) | (responses[:, 4] & (np.arange(N) % 8 == 0))
    responses[:, 5] &= ~prompts[:, 2]
    return prompts, responses


@pytest.fixture
def frames(make_frame: Callable[..., Embeddings], sides: tuple[Array, Array]):
    words = np.repeat([5, 10, 20, 40], N // 4), np.tile([6, 12, 24, 48], N // 4)
    return tuple(
        frame_of(make_frame, name, on, words=length, user={"id": list(range(100, 100 + N))})
        for name, on, length in zip(("prompts", "responses"), sides, words, strict=True)
    )


def test_every_statistic_equals_the_slow_way(frames: tuple[Embeddings, Embeddings], sides: tuple[Array, Array]):
    table = audit(*frames, strata=16, **EVERYTHING)
    assert table.schema == SCHEMA
    assert table.height == table["tested"][0] == 35
    stratum = crossed(np.repeat([5, 10, 20, 40], N // 4), np.tile([6, 12, 24, 48], N // 4), 16)
    sizes = np.bincount(stratum)
    assert len(sizes) == 16
    for row in table.iter_rows(named=True):
        x, y = sides[0][:, row["feature_a"]], sides[1][:, row["feature_b"]]
        both = int((x & y).sum())
        a, b = (np.bincount(stratum, side).astype(int) for side in (x, y))
        chances = null_distribution(a, b, sizes)
        together = both > (a * b / sizes).sum() + 1e-9
        assert row["direction"] == ("together" if together else "apart")
        assert (row["documents"], row["documents_a"], row["documents_b"]) == (both, x.sum(), y.sum())
        assert row["p"] == pytest.approx(chances[both:].sum() if together else chances[: both + 1].sum(), rel=0.05)
        assert row["lift"] == pytest.approx(both * N / (x.sum() * y.sum()))
        assert row["p_b_given_a"] == pytest.approx(both / x.sum())


def test_the_trigger_is_found_in_either_direction(frames: tuple[Embeddings, Embeddings]):
    table = audit(*frames, **EVERYTHING)
    found = table.filter(pl.col("q") < 0.05)
    assert list(zip(found["feature_a"], found["feature_b"], found["direction"], strict=True)) == [
        (2, 4, "together"),
        (2, 5, "apart"),
    ]
    assert audit(*frames, direction="apart", **EVERYTHING)["feature_b"][0] == 5


def test_evidence_points_into_both_texts(frames: tuple[Embeddings, Embeddings]):
    row = audit(*frames, **EVERYTHING).row(0, named=True)
    assert len(row["evidence"]) == 3
    stored = [
        {(one["doc"], one["feature"]): one for one in frame.scan().collect().iter_rows(named=True)} for frame in frames
    ]
    for one in row["evidence"]:
        assert one["doc_a"] == one["doc_b"]
        for side, spans in zip("ab", stored, strict=True):
            span = spans[one[f"doc_{side}"], row[f"feature_{side}"]]
            assert (one[f"start_{side}"], one[f"stop_{side}"]) == (span["start"], span["stop"])
    assert row["touching"] is None
    assert row["coupling"] is None


def test_pairs_by_a_column_in_any_order(
    make_frame: Callable[..., Embeddings], frames: tuple[Embeddings, Embeddings], sides: tuple[Array, Array]
):
    order = np.random.default_rng(0).permutation(N)
    words = np.tile([6, 12, 24, 48], N // 4)[order]
    texts = [f"{i} " + " ".join(["word"] * (n - 1)) for i, n in zip(order, words, strict=True)]
    ids = (order + 100).tolist()
    shuffled = frame_of(make_frame, "shuffled", sides[1][order], texts=texts, user={"id": ids})
    apart = ("evidence", "label_a", "label_b")  # names are made from the texts
    expected = audit(*frames, **EVERYTHING).drop(apart)
    found = audit(frames[0], shuffled, pair="id", **EVERYTHING)
    assert_frame_equal(found.drop(apart), expected)
    for one in found["evidence"][0]:
        assert order[one["doc_b"]] == one["doc_a"]
    with pytest.warns(UserWarning, match="20 documents have no partner by 'id'"):
        part = audit(frames[0], shuffled.filter(pl.col("id") < 240), pair="id", **EVERYTHING)
    assert part["documents_a"].max() <= 140


def test_the_same_response_to_the_same_prompt_counts_once(make_frame: Callable[..., Embeddings]):
    on = np.array([[1], [1], [1], [0], [0]], dtype=bool)
    prompts = frame_of(make_frame, "p", on, texts=["a", "a", "a", "b", "c"])
    responses = frame_of(make_frame, "r", on, texts=["x", "x", "y", "z", "z"])
    assert audit(prompts, responses, **EVERYTHING)["documents"].to_list() == [2]
    assert audit(prompts, responses, duplicates="keep", **EVERYTHING)["documents"].to_list() == [3]


def test_labels_come_from_their_own_frame(make_frame: Callable[..., Embeddings], sides: tuple[Array, Array]):
    named = [
        pl.DataFrame(
            {"feature": [2, 4], "label": [f"{name} two", f"{name} four"]},
            schema={"feature": pl.UInt32, "label": pl.String},
        )
        for name in ("prompt", "response")
    ]
    frames = [
        frame_of(make_frame, name, on, labels=table) for name, on, table in zip(("p", "r"), sides, named, strict=True)
    ]
    axes: dict[str, int] = {}

    def embed(texts: Sequence[str]) -> Array:
        return np.stack([np.eye(30)[axes.setdefault(text, len(axes))] for text in texts])

    table = audit(*frames, **EVERYTHING | {"embed": embed})
    first = table.row(0, named=True)
    assert (first["label_a"], first["label_b"]) == ("prompt two", "response four")
    assert first["label_similarity"] == 0.0
    assert first["interesting"] == pytest.approx(first["npmi"])


def test_frames_that_do_not_belong_together(
    make_frame: Callable[..., Embeddings], frames: tuple[Embeddings, Embeddings]
):
    short = frames[1].filter(pl.col("id") < 200)
    with pytest.raises(InputError, match="160 documents and responses 100"):
        audit(frames[0], short)
    with pytest.raises(InputError, match="prompts has no column 'prompt_id'"):
        audit(*frames, pair="prompt_id")
    twice = frame_of(make_frame, "twice", random_matrix(0, 4, 3), user={"id": [1, 1, 2, 3]})
    with pytest.raises(InputError, match="of twice has a value more than once"):
        audit(frames[0], twice, pair="id")
    other = frame_of(make_frame, "other", random_matrix(0, 4, 3), user={"id": [1, 2, 3, 4]})
    with pytest.raises(InputError, match="no value of 'id' is in both"):
        audit(frames[0], other, pair="id")
    words = frame_of(make_frame, "words", random_matrix(0, 4, 3), user={"id": ["1", "2", "3", "4"]})
    with pytest.raises(InputError, match="different types"):
        audit(frames[0], words, pair="id")
    with pytest.raises(InputError, match="limit is 0"):
        audit(*frames, limit=0)
    with pytest.raises(InputError, match="responses has no documents"):
        audit(frames[0], frames[1].filter(pl.col("id") < 0))


def clustered_sides(
    make_frame: Callable[..., Embeddings], seed: int, name: str
) -> tuple[tuple[Embeddings, Embeddings], Array]:
    """40 authors of 15 prompts with habits of their own on either side; prompt feature 0 brings response feature 1."""
    rng = np.random.default_rng(seed)
    author = np.repeat(np.arange(40), 15)
    sides = []
    for features in (20, 20):
        lean = rng.normal(0, 2.0, (40, features))[author]
        sides.append(rng.random((600, features)) < 1 / (1 + np.exp(1.5 - lean)))
    prompts, responses = sides
    prompts[:, 0] = rng.random(600) < 0.3
    responses[:, 1] = np.where(prompts[:, 0], rng.random(600) < 0.6, rng.random(600) < 0.1)
    user = {"author": [f"writer {a}" for a in author]}
    return tuple(
        frame_of(make_frame, f"{name}{side}", on, user=user) for side, on in zip("pr", sides, strict=True)
    ), author


def test_authors_of_like_habits_are_no_trigger_and_a_real_one_stays(make_frame: Callable[..., Embeddings]):
    """Rows of one author are not independent: without clusters most pairs look like triggers."""
    naive, clustered, found = [], [], []
    for seed in range(3):
        frames, _ = clustered_sides(make_frame, seed, str(seed))
        plain, between = audit(*frames, **EVERYTHING), audit(*frames, cluster="author", **EVERYTHING)
        real = (pl.col("feature_a") == 0) & (pl.col("feature_b") == 1)
        found.append(between.filter(real)["q"].item())
        naive += plain.filter(~real)["p"].to_list()
        clustered += between.filter(~real)["p"].to_list()
        assert between["tested"][0] == plain["tested"][0] == 400
        keys = ["feature_a", "feature_b"]
        both = between.join(plain, on=keys, suffix="_plain")
        assert (both["p"] >= both["p_plain"]).all()
        assert (both["q"] >= both["q_plain"] * (1 - 1e-3)).all()
        assert both["npmi"].equals(both["npmi_plain"])
    assert max(found) < 1e-4
    # p is one-sided in the direction that was found, so 0.025 stands for 0.05
    assert np.mean(np.array(naive) < 0.025) > 0.15
    assert 0.01 < np.mean(np.array(clustered) < 0.025) < 0.08


def test_the_score_of_a_pair_equals_adding_up_clusters_by_hand(make_frame: Callable[..., Embeddings]):
    frames, author = clustered_sides(make_frame, 9, "h")
    table = audit(*frames, cluster="author", strata=1, **EVERYTHING)
    alone = audit(*frames, strata=1, **EVERYTHING)
    x, y = (frame.to_csr().toarray() > 0 for frame in frames)
    naive = {(row["feature_a"], row["feature_b"]): row["p"] for row in alone.iter_rows(named=True)}
    for row in table.iter_rows(named=True):
        a, b = x[:, row["feature_a"]], y[:, row["feature_b"]]
        added = np.bincount(author, (a - a.mean()) * (b - b.mean()))
        score = added.sum() / np.sqrt((added**2).sum())
        expected = norm.sf(score if row["direction"] == "together" else -score)
        assert row["p"] == pytest.approx(max(expected, naive[row["feature_a"], row["feature_b"]]), rel=1e-6)
    doubled = np.minimum(1, 2 * table["p"].to_numpy())
    np.testing.assert_allclose(table["q"], benjamini_hochberg(doubled))


def test_clusters_come_from_either_frame_and_features_need_enough_of_them(make_frame: Callable[..., Embeddings]):
    rng = np.random.default_rng(2)
    on = [rng.random((120, 4)) < 0.4 for _ in "pr"]
    on[0][:, 3] = np.arange(120) < 30  # three authors' own
    group = np.repeat(np.arange(12), 10)
    prompts = frame_of(make_frame, "p", on[0], texts=[f"the same prompt {g}" for g in group])
    responses = frame_of(make_frame, "r", on[1], user={"author": group.tolist()})
    options = EVERYTHING | {"min_documents": 4, "duplicates": "keep"}
    by_author, by_prompt = (audit(prompts, responses, cluster=name, **options) for name in ("author", "text"))
    assert_frame_equal(by_author, by_prompt)
    assert 3 not in by_author["feature_a"]
    with pytest.raises(InputError, match="column 'writer' of r is not there"):
        audit(prompts, responses, cluster="writer")
    with pytest.raises(InputError, match="gives 3 clusters"):
        audit(prompts.filter(pl.col("doc") < 30), responses.filter(pl.col("doc") < 30), cluster="author", **options)
