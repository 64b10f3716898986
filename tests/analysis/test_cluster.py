from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from dataset_frames import frame_of
from polars.testing import assert_frame_equal
from sklearn.metrics import adjusted_rand_score

from saedata.analysis.cluster import Clustering, cluster, result
from saedata.analysis.cluster.chosen import FALL
from saedata.analysis.cluster.found import Found
from saedata.analysis.cluster.grouping import assigned, by_size
from saedata.analysis.cluster.options import Options
from saedata.endpoint import Reply
from saedata.errors import InputError
from saedata.neighbours import Neighbours
from saedata.stats import newcombe_interval, two_proportion_p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from saedata.endpoint import Prompt
    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

GROUP = np.repeat([0, 1, 2], [60, 45, 35])
LABELS = pl.DataFrame(
    {
        "feature": np.arange(40, dtype=np.uint32),
        "label": [f"{'warm' if f < 20 else 'cold'} thing {f}: {f} and so on" for f in range(40)],
        "kind": ["tone" if f < 20 else "topic" for f in range(40)],
    }
)


def planted(seed: int = 0) -> Any:
    """Three groups with 12 features each; 36 and 37 are noise, 38 is always on, 39 never."""
    chances = np.full((3, 40), 0.05)
    for number in range(3):
        chances[number, 12 * number : 12 * number + 12] = 0.6
    chances[:, 36:38], chances[:, 38], chances[:, 39] = 0.3, 1, 0
    return np.random.default_rng(seed).random((len(GROUP), 40)) < chances[GROUP]


def make(make_frame: MakeFrame, on: Any = None, **settings: Any) -> Embeddings:
    settings.setdefault("user", {"group": [f"g{g}" for g in GROUP]} if on is None else {})
    return frame_of(make_frame, planted() if on is None else on, labels=LABELS, **settings)


def ari(found: Clustering, truth: Any = GROUP) -> float:
    return float(adjusted_rand_score(truth, found.documents["cluster"]))


@pytest.fixture
def clustered(make_frame: MakeFrame) -> tuple[Embeddings, Clustering]:
    frame = make(make_frame)
    return frame, cluster(frame, columns=["group"], stability=2)


def test_planted_groups_are_found_and_described(clustered: tuple[Embeddings, Clustering]):
    _, found = clustered
    assert ari(found) > 0.9
    for name in ("documents", "clusters", "descriptions", "tree", "features", "agreement", "stability", "summary"):
        assert getattr(found, name).schema == getattr(result, name.upper())
    assert found.documents["doc"].to_list() == list(range(140))
    of_cluster = {c: GROUP[found.documents.filter(pl.col("cluster") == c)["doc"].to_numpy()] for c in range(3)}
    for row in found.clusters.filter(pl.col("cluster") >= 0).iter_rows(named=True):
        group = np.bincount(of_cluster[row["cluster"]]).argmax()
        assert all(feature // 12 == group for feature in row["feature_ids"])
        assert row["name"] == "; ".join(label.split(":")[0] for label in row["features"][:2])
        assert len(row["typical"]) == 5
        assert set(row["typical"] + row["border"]) <= set(
            found.documents.filter(pl.col("cluster") == row["cluster"])["doc"]
        )
        assert row["same_features"]
        assert row["named_by"] == "labels"
        assert row["stability"] > 0.7
    assert found.clusters["documents"].sum() == 140
    used = dict(found.features.select("feature", "used").rows())
    assert not used[38]
    assert not used[39]
    assert sum(used.values()) == 38
    assert found.agreement.row(0)[:3] == ("group", 3, 140)
    assert found.agreement["ari"][0] == pytest.approx(ari(found))
    assert found.summary["ari"][0] == pytest.approx(found.stability["ari"].mean())
    assert found.stability["documents"].to_list() == [112, 112]


def test_descriptions_by_hand(clustered: tuple[Embeddings, Clustering]):
    frame, found = clustered
    on = frame.to_csr().toarray() > 0
    label = found.documents["cluster"].to_numpy()
    for row in found.descriptions.gather_every(7).iter_rows(named=True):
        inside = label == row["cluster"]
        a, n = on[inside, row["feature"]].sum(), inside.sum()
        b, m = on[~inside, row["feature"]].sum(), (~inside).sum()
        counts = ("inside_on", "inside_documents", "outside_on", "outside_documents")
        assert [row[name] for name in counts] == [a, n, b, m]
        assert row["difference"] == pytest.approx(a / n - b / m)
        assert row["p"] == pytest.approx(float(two_proportion_p(a, n, b, m)))
        assert (row["low"], row["high"]) == pytest.approx(tuple(map(float, newcombe_interval(a, n, b, m))))
        assert row["q"] >= row["p"]


def test_the_same_seed_gives_the_same_tables(make_frame: MakeFrame):
    frame = make(make_frame)
    first, second = (cluster(frame, stability=0, seed=5) for _ in range(2))
    for name in ("documents", "clusters", "descriptions", "tree"):
        assert_frame_equal(getattr(first, name), getattr(second, name))
    assert first.stability.is_empty()
    assert first.summary["ari"][0] is None


@pytest.mark.parametrize(
    "options",
    [
        {"clusters": 3},
        {"clusters": 3, "method": "kmeans"},
        {"method": "leiden", "resolution": 0.3},
        {"clusters": 3, "similarity": "cosine", "binary": False, "weights": "rare"},
        {"noise": "assign"},
    ],
)
def test_other_ways_find_them_too(make_frame: MakeFrame, options: Any):
    found = cluster(make(make_frame), stability=0, **options)
    assert ari(found) > 0.9
    if "clusters" in options:
        assert found.summary["clusters"][0] == 3
        assert (found.documents["cluster"] >= 0).all()


def test_the_features_decide_what_the_groups_are_about(make_frame: MakeFrame):
    rng = np.random.default_rng(3)
    warm, cold = np.arange(120) % 2, np.arange(120) // 60  # two divisions that have nothing to do with each other
    chances = np.full((120, 40), 0.05)
    for number in range(2):
        chances[warm == number, 10 * number : 10 * number + 10] = 0.6
        chances[cold == number, 20 + 10 * number : 30 + 10 * number] = 0.6
    frame = make(make_frame, rng.random((120, 40)) < chances)
    by_tone = cluster(frame, kinds="tone", clusters=2, stability=0)
    by_topic = cluster(frame, features=range(20, 40), clusters=2, stability=0)
    assert ari(by_tone, warm) > 0.8
    assert abs(ari(by_tone, cold)) < 0.1
    assert ari(by_topic, cold) > 0.8
    assert by_tone.features["feature"].to_list() == list(range(20))
    assert by_tone.descriptions.filter("same_features")["feature"].max() < 20

    def embed(texts: Any) -> Any:
        return np.array([[1.0, 0.0] if "warm" in text else [0.0, 1.0] for text in texts], np.float32)

    options: dict[str, Any] = {"per_phrase": 20, "embed": embed, "clusters": 2, "stability": 0}
    by_words = cluster(frame, about="warm", weights="equal", **options)
    assert_frame_equal(by_words.documents, by_tone.documents)
    assert set(by_words.features["phrase"]) == {"warm"}
    near = cluster(frame, about="warm", **options)
    ranks = near.features.select("feature", weight=(pl.col("rank") / -20 / FALL).exp())
    assert_frame_equal(near.documents, cluster(frame, about="warm", weights=ranks, **options).documents)
    assert not near.documents.equals(by_words.documents)
    named = cluster(frame, about="Tone", **options)  # the name of a kind: all of its features, of the same weight
    assert_frame_equal(named.documents, by_tone.documents)


def test_documents_with_none_of_the_features_are_their_own_group(make_frame: MakeFrame):
    on = planted()
    on[::7, :36] = False
    found = cluster(make(make_frame, on), features=range(36), stability=0)
    assert (found.documents["cluster"].to_numpy() == -2).tolist() == (np.arange(140) % 7 == 0).tolist()
    outside = found.documents.filter(pl.col("cluster") == -2)
    assert outside["x"].null_count() == outside["strength"].null_count() == 20
    row = found.clusters.filter(pl.col("cluster") == -2).row(0, named=True)
    assert row["name"] == "none of the chosen features"
    assert row["documents"] == 20
    assert found.summary["outside"][0] == pytest.approx(1 / 7)


def test_equal_texts_stand_where_the_first_one_stands(make_frame: MakeFrame):
    on = np.concatenate([planted(), planted()[:20]])
    frame = make(make_frame, on, texts=[f"text {i % 140}" for i in range(160)])
    found = cluster(frame, stability=0).documents.drop("doc")
    assert_frame_equal(found[140:], found[:20])
    assert cluster(frame, stability=0).summary.select("documents", "counted").row(0) == (160, 140)
    assert cluster(frame, stability=0, duplicates="keep").summary["counted"][0] == 160


class Namer:
    name = "namer"

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        for prompt in prompts:
            assert "<document>text " in prompt.user
            yield Reply(prompt.key, f' "Group {prompt.key}."\n' if prompt.key != "1" else None, "busy")


def test_a_language_model_names_clusters(make_frame: MakeFrame):
    with pytest.warns(UserWarning, match=r"namer gave no name for 1 cluster"):
        found = cluster(make(make_frame), clusters=3, stability=0, model=Namer())
    assert found.clusters["name"].to_list()[::2] == ["Group 0", "Group 2"]
    assert found.clusters["named_by"].to_list() == ["namer", "labels", "namer"]
    assert found.clusters["name"][1].count("thing") == 2


def test_held_out_tests_do_not_go_in_circles(make_frame: MakeFrame):
    nothing = np.random.default_rng(4).random((400, 40)) < 0.3
    frame = make(make_frame, nothing)
    plain = cluster(frame, clusters=4, stability=0)
    fair = cluster(frame, clusters=4, stability=0, held_out=True)
    assert plain.descriptions["same_features"].all()
    assert (plain.descriptions["q"] < 0.05).sum() > 10  # differences that mean nothing
    assert not fair.descriptions["same_features"].any()
    assert (fair.descriptions["q"] < 0.05).sum() <= 1
    assert fair.documents.height == 400
    assert (fair.descriptions["inside_documents"] + fair.descriptions["outside_documents"]).unique().to_list() == [200]


def test_held_out_tests_find_what_is_there(make_frame: MakeFrame):
    found = cluster(make(make_frame), clusters=3, stability=0, held_out=True)
    assert ari(found) > 0.85
    real = found.descriptions.filter(pl.col("difference") > 0, pl.col("q") < 0.05)
    assert real.group_by("cluster").len()["len"].min() >= 8
    assert found.summary["held_out"][0]


def test_features_without_a_part_in_the_clusters_are_tested_fairly(make_frame: MakeFrame):
    found = cluster(make(make_frame), kinds="tone", clusters=2, stability=0)
    told = dict(found.descriptions.select("feature", "same_features").rows())
    assert {feature < 20 for feature, same in told.items() if same} == {True}
    assert {feature >= 20 for feature, same in told.items() if not same} == {True}


def test_strength_and_noise_by_hand():
    found = np.array([[1, 2], [0, 2], [0, 1], [4, 0], [3, -1], [-1, -1]], np.int32)
    similarity = np.array([[0.6, 0.2], [0.6, 0.3], [0.2, 0.2], [0.5, 0.4], [0.5, 0], [0, 0]], np.float32)
    known = Neighbours(found, similarity)
    labels = np.array([0, 0, 1, -1, -1, -1])
    assert assigned(known, labels).tolist() == [0, 0, 1, 0, 0, -1]
    standing = Found(None, None, None, type("G", (), {"known": known, "labels": labels})(), None, labels, ()).standing  # type: ignore[arg-type]
    np.testing.assert_allclose(standing[0][:3], [0.75, 2 / 3, 0], rtol=1e-6)
    assert standing[1][:4].tolist() == [1, 1, 0, 0]
    assert by_size(np.array([-1, 3, 3, 0])).tolist() == [-1, 0, 0, 1]


def test_the_tree_joins_like_clusters_first(make_frame: MakeFrame):
    chances = np.full((4, 40), 0.05)
    for number in range(4):
        chances[number, 8 * number : 8 * number + 8] = 0.6
        chances[number, 32 if number < 2 else 36 : 36 if number < 2 else 40] = 0.8
    group = np.arange(160) % 4
    frame = make(make_frame, np.random.default_rng(5).random((160, 40)) < chances[group])
    found = cluster(frame, clusters=4, stability=0)
    assert ari(found, group) > 0.9
    big = [GROUP // 2 for GROUP in (group[doc] for doc in found.clusters["typical"].list.first())]
    pairs = found.tree.filter(pl.col("clusters").list.len() == 2)["clusters"].to_list()
    assert len(pairs) == 2
    assert all(big[a] == big[b] for a, b in pairs)
    assert found.tree["documents"].to_list()[-1] == 160
    assert found.tree["parent"].null_count() == 1
    parents = dict(found.tree.select("node", "parent").rows())
    assert found.clusters["parent"].to_list() == [parents[c] for c in range(4)]


def test_agreement_counts_known_values_only(make_frame: MakeFrame):
    values = [None if i < 40 else f"g{g}" for i, g in enumerate(GROUP)]
    frame = make(make_frame, planted(), user={"group": values, "other": list(range(140))})
    found = cluster(frame, clusters=3, stability=0, columns=["group", "other"]).agreement
    assert found["documents"].to_list() == [100, 140]
    assert found["ari"][0] > 0.9
    assert abs(found["ari"][1]) < 0.01


def test_stability_of_nothing_is_low(make_frame: MakeFrame):
    nothing = np.random.default_rng(6).random((150, 40)) < 0.3
    loose = cluster(make(make_frame, nothing), clusters=3, stability=3)
    firm = cluster(make(make_frame, name="b"), clusters=3, stability=3)
    assert loose.summary["ari"][0] < 0.5 < 0.9 < firm.summary["ari"][0]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"clusters": 141}, "clusters is 141, but only 140 documents"),
    ({"clusters": 1}, "clusters is 1; it must be 2 or more"),
    ({"clusters": 6000}, "at most 5,000"),
    ({"neighbours": 140}, "each has at most 139"),
    ({"smallest": 200}, "smallest is 200"),
    ({"method": "dbscan"}, "method is 'dbscan'"),
    ({"method": "spectral"}, "needs the number of clusters"),
    ({"method": "hdbscan", "clusters": 3}, "finds the number of clusters itself"),
    ({"similarity": "dice"}, "similarity is 'dice'"),
    ({"noise": "drop"}, "noise is 'drop'"),
    ({"resolution": 0}, "resolution is 0"),
    ({"stability": -1}, "stability is -1"),
    ({"features": [39]}, "none of the 1 chosen features tells the documents of a apart"),
    ({"features": [38]}, "all 140 documents of a have the same of these features on"),
    ({"features": [40]}, "feature 40 does not exist"),
    ({"without": "cold"}, "say what the clusters are about"),
    ({"kinds": "tone", "weights": "near"}, "'near' are for features that about chooses"),
    ({"kinds": "colour"}, 'no features of kind "colour"'),
    ({"columns": ["absent"]}, "has no column 'absent'"),
    ({"duplicates": "some"}, "duplicates is 'some'"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_input_is_one_sentence(make_frame: MakeFrame, options: Any, message: str):
    frame = make(make_frame)
    with pytest.raises(InputError, match=r"^[^\n]+$") as raised:
        cluster(frame, **options)
    assert message in str(raised.value)


def test_too_few_documents(make_frame: MakeFrame):
    for count, message in ((0, "no documents"), (1, "grouping needs 2 or more")):
        with pytest.raises(InputError, match=message):
            cluster(make(make_frame, planted()[:count], name=f"n{count}"), features=range(36))
    on = np.zeros((5, 40), bool)
    with pytest.raises(InputError, match="tells the documents of empty apart"):
        cluster(make(make_frame, on, name="empty"))
    with pytest.raises(InputError, match="held_out needs 20 documents"):
        cluster(make(make_frame, planted()[55:70], name="few"), held_out=True)


@pytest.mark.parametrize("options", [{}, {"clusters": 2}, {"clusters": 5}, {"method": "leiden"}])
def test_a_handful_of_documents(make_frame: MakeFrame, options: Any):
    found = cluster(make(make_frame, planted()[[0, 1, 70, 71, 120]], name="few"), **options)
    assert found.documents.height == 5
    assert found.clusters["documents"].sum() == 5
    if options.get("clusters"):
        assert found.summary["clusters"][0] == options["clusters"]


def test_options_stand_for_what_they_say():
    assert Options().chosen_method(10) == "hdbscan"
    assert Options(clusters=4).chosen_method(20_000) == "spectral"
    assert Options(clusters=4).chosen_method(20_001) == "kmeans"
    assert [Options().smallest_of(n) for n in (5, 30, 500, 5000)] == [2, 6, 10, 50]
