from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from report_pages import WORDS, MakeFrame, Pair, only, page, rows, words_of, written

import saedata
from saedata.analysis.diff import diff
from saedata.errors import InputError, MismatchError
from saedata.reports import report
from saedata.stats import two_proportion_p, wilson_interval

COLUMNS = ("target", "other", "difference", "low", "high", "p", "q")


@pytest.fixture
def pair(make_frame: MakeFrame):
    labels = pl.DataFrame(
        {"feature": [1], "label": ["hedging"], "kind": ["tone"]}, schema_overrides={"feature": pl.UInt32}
    )
    willow = rows(40, {0: 36, 1: 30, 2: 3, 3: 0, 4: 40, 5: 20}, name="w")
    flint = rows(44, {0: 2, 1: 4, 2: 37, 3: 25, 4: 44, 5: 20}, name="f")
    user = {"id": [f"q{i}" for i in range(40)], "note": ["n" * 300] * 40}
    return (
        make_frame("willow.sae", willow, shard=64, user=user, labels=labels),
        make_frame("flint.sae", flint, shard=64, labels=labels),
    )


def printed(column: str, value: float) -> str:
    if column in ("p", "q"):
        return f"{value:.4f}" if value >= 0.001 else f"{value:.1e}"
    if column in ("target", "other"):
        return f"{100 * value:.1f}%"
    return f"{100 * value:+.1f}".replace("-", "−")


def test_numbers_are_those_of_diff(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html")
    expected = diff(*pair).filter(pl.col("q") < 0.05)
    assert expected.height == 4
    for direction, sign in (("more", 1), ("less", -1)):
        shown = soup.select(f'table[data-direction="{direction}"] tr[data-target-on]')
        mine = expected.filter(pl.col("difference").sign() == sign)
        assert [int(row["data-feature"]) for row in shown] == mine["feature"].to_list()
        for row, numbers in zip(shown, mine.iter_rows(named=True), strict=True):
            for column in COLUMNS:
                cell = only(row, f'[data-column="{column}"]')
                assert float(cell["data-value"]) == numbers[column]
                assert cell.get_text() == printed(column, numbers[column])
            assert int(row["data-target-on"]) == numbers["target_on"]
            assert int(row["data-other-on"]) == numbers["other_on"]


def test_every_number_with_a_full_value_elsewhere_agrees_too(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html")
    table = {row["feature"]: row for row in diff(*pair).iter_rows(named=True)}
    bars = soup.select(".bar [data-feature]")
    assert bars
    for cell in bars:
        value = table[int(cell["data-feature"])][cell["data-column"]]
        assert float(cell["data-value"]) == value
        assert cell.get_text() == printed(cell["data-column"], value)
    findings = soup.select(".finding")
    assert [float(one["data-target"]) for one in findings] == [0.9, 3 / 40]
    assert words_of(findings[0]) == "willow turns on “sorry” in 90.0% of its documents, flint in 4.5%."


def test_verdict_counts_what_stands_out(pair: Pair, tmp_path: Path):
    verdict = only(written(*pair, out=tmp_path / "r.html"), "#verdict")
    table = diff(*pair)
    out = table.filter(pl.col("q") < 0.05)
    assert int(verdict["data-tested"]) == table.height == 6
    assert int(verdict["data-more"]) == out.filter(pl.col("difference") > 0).height == 2
    assert int(verdict["data-less"]) == 2
    assert "4 of 6 features tested differ" in verdict.get_text()


def test_names_are_those_of_diff(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html")
    labels = dict(diff(*pair).select("feature", "label").iter_rows())
    assert labels[0] == "feature 0 · tokens: sorry"
    for row in soup.select("tr[data-target-on]"):
        name, number = words_of(row.th), int(row["data-feature"])
        assert name.removesuffix(f" feature {number}").removesuffix(" tone ·") == labels[number]
    assert labels[1] == "hedging"


def test_examples_are_the_strongest_documents_with_the_span_marked(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html", examples=2)
    evidence = {row["feature"]: row for row in diff(*pair, evidence=2).iter_rows(named=True)}
    for row in soup.select("tr[data-target-on]"):
        number = int(row["data-feature"])
        sides = row.find_next_sibling("tr").select(".side")
        for side, column in zip(sides, ("target_evidence", "other_evidence"), strict=True):
            docs = [int(re.match(r"document (\d+)", words_of(one))[1]) for one in side.select(".fields")]
            assert docs == evidence[number][column]
            assert {mark.get_text() for mark in side.select("mark")} <= {WORDS[number]}
    assert "No document here turns it on." in soup.get_text()


def test_examples_carry_short_columns_only(pair: Pair, tmp_path: Path):
    fields = written(*pair, out=tmp_path / "r.html").select_one(".fields").get_text()
    assert "id: q35" in fields
    assert "note" not in fields


def test_no_examples_asked_for_none_shown(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html", examples=0)
    assert not soup.select("details, blockquote")


def test_features_bounds_the_rows(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html", features=1)
    assert len(soup.select("tr[data-target-on]")) == 2


def test_nothing_stands_out(make_frame: MakeFrame, tmp_path: Path):
    a = make_frame("a.sae", rows(30, {0: 15, 1: 9, 2: 14}, name="a"), shard=64)
    b = make_frame("b.sae", rows(30, {0: 13, 1: 12, 2: 14}, name="b"), shard=64)
    soup = written(a, b, out=tmp_path / "r.html")
    assert soup.select_one("#verdict").get_text().startswith("No difference between a and b stands out: none of the 3")
    assert not soup.select(".finding, .headline")
    assert all("chance" in row["class"] for row in soup.select("table.differences tbody"))
    assert len(soup.select("tr[data-target-on]")) == 2  # one each way; the third does not differ at all
    smallest = next(k for k in range(31) if two_proportion_p([k], 30, [0], 30)[0] <= 0.05 / 3)
    assert f"from a share of {100 * smallest / 30:.1f}%" in soup.select_one(".note").get_text()


def test_nothing_is_on_anywhere(make_frame: MakeFrame, tmp_path: Path):
    a = make_frame("a.sae", [("", {}), (None, {})])
    b = make_frame("b.sae", [("two words", {})])
    soup = written(a, b, out=tmp_path / "r.html")
    assert "No feature is on in any document" in soup.get_text()
    assert "1 exact duplicate of other documents, left out of all shares" in soup.select_one("#quality").get_text()
    assert "2 documents without any text" in soup.select_one("#quality").get_text()
    assert written(a, out=tmp_path / "one.html").select_one("#verdict")


def test_too_few_documents_to_see_anything(make_frame: MakeFrame, tmp_path: Path):
    a, b = (make_frame(f"{name}.sae", rows(2, dict.fromkeys(range(8), 1), name=name)) for name in "ab")
    assert "nothing can stand out" in written(a, b, out=tmp_path / "r.html").select_one(".note").get_text()


def test_one_corpus_alone(pair: Pair, tmp_path: Path):
    frame = pair[0]
    soup = written(frame, out=tmp_path / "r.html")
    density = dict(frame.features.select("feature", "density").iter_rows())
    common = soup.select('table[data-list="common"] tr[data-feature]')
    assert [int(row["data-feature"]) for row in common][:3] == [0, 1, 5]  # 4 is on everywhere, and left out
    for row in common:
        number = int(row["data-feature"])
        values = {cell["data-column"]: float(cell["data-value"]) for cell in row.select("[data-column]")}
        low, high = wilson_interval([round(density[number] * 40)], 40)
        assert values["share"] == pytest.approx(density[number], abs=1e-12)
        assert (values["low"], values["high"]) == (low[0], high[0])
    assert not soup.select("#differences")


def test_rare_but_strong_features(make_frame: MakeFrame, tmp_path: Path):
    documents = rows(100, {0: 90, 1: 1, 2: 4, 3: 3, 4: 50}, name="d")
    documents[0][1].update({3: 9.0, 1: 99.0})
    frame = make_frame("a.sae", documents, shard=64)
    shown = written(frame, out=tmp_path / "r.html", features=2).select('table[data-list="rare"] tr[data-feature]')
    assert [int(row["data-feature"]) for row in shown] == [3, 2]  # feature 1 is on in one document alone


def test_several_others(make_frame: MakeFrame, tmp_path: Path):
    a = make_frame("a.sae", rows(40, {0: 36, 1: 2}, name="a"), shard=64)
    b = make_frame("b.sae", rows(40, {0: 4, 1: 30}, name="b"), shard=64)
    c = make_frame("c.sae", rows(40, {0: 8, 1: 25}, name="c"), shard=64)
    soup = written(a, b, c, out=tmp_path / "r.html")
    shown = {int(row["data-feature"]): row["data-other-name"] for row in soup.select("tr[data-target-on]")}
    assert shown == dict(diff(a, b, c).select("feature", "other_name").iter_rows()) == {0: "c", 1: "c"}
    sides = [words_of(side.h4) for side in soup.select(".side")]
    assert set(sides) == {"a", "c"}


def test_equal_names_are_told_apart_as_diff_does(make_frame: MakeFrame, tmp_path: Path):
    one = make_frame("x/a.sae", rows(30, {0: 28}, name="a"), shard=64)
    two = make_frame("y/a.sae", rows(30, {0: 1}, name="b"), shard=64)
    row = only(written(one, two, out=tmp_path / "r.html"), "tr[data-target-on]")
    assert row["data-other-name"] == diff(one, two)["other_name"][0] == "a (2)"


def test_duplicates_weigh_once_or_each(make_frame: MakeFrame, tmp_path: Path):
    twice = [("the same text", {0: 1.0})] * 10 + rows(20, {1: 20}, name="d")
    a = make_frame("a.sae", twice, shard=64)
    b = make_frame("b.sae", rows(21, {2: 3}, name="e"), shard=64)
    for duplicates, count in (("once", 21), ("keep", 30)):
        soup = written(a, b, out=tmp_path / "r.html", duplicates=duplicates)
        row = soup.select_one('tr[data-feature="1"]')
        share = float(only(row, '[data-column="target"]')["data-value"])
        assert share == diff(a, b, duplicates=duplicates).filter(pl.col("feature") == 1)["target"][0] == 20 / count
        assert f"{'left out of' if duplicates == 'once' else 'kept in'} all shares" in soup.get_text()


def test_threshold_and_level_reach_diff(pair: Pair, tmp_path: Path):
    soup = written(*pair, out=tmp_path / "r.html", threshold=2.5, level=0.8)
    expected = {row["feature"]: row for row in diff(*pair, threshold=2.5, level=0.8).iter_rows(named=True)}
    shown = soup.select("tr[data-target-on]")
    assert shown
    for row in shown:
        for column in COLUMNS:
            value = float(only(row, f'[data-column="{column}"]')["data-value"])
            assert value == expected[int(row["data-feature"])][column]
    assert "80% interval" in soup.get_text()
    assert "--threshold 2.5 --level 0.8" in soup.get_text()


@pytest.mark.parametrize(("filler", "said"), [(0, False), (1, False), (3, True)])
def test_length_is_named_where_medians_differ_by_more_than_a_fifth(
    make_frame: MakeFrame, tmp_path: Path, filler: int, said: bool
):
    a = make_frame("a.sae", rows(9, {0: 9}, name="a", filler=1 + filler), shard=64)  # 10 to 13 words
    b = make_frame("b.sae", rows(9, {0: 1}, name="b", filler=1), shard=64)  # 10 words
    text = written(a, b, out=tmp_path / "r.html").get_text()
    assert ("length alone may explain" in text) is said
    assert ("30% more" in text) is said


def test_out_of_domain_is_flagged(make_frame: MakeFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frame = make_frame("a.sae", rows(5, {0: 3}, name="a"), shard=64)
    assert "a is within the encoder's domain" in written(frame, out=tmp_path / "r.html").get_text()
    monkeypatch.setattr("saedata.reports.words.UNUSUAL", 0.2)
    assert "a is out of the encoder's domain" in written(frame, out=tmp_path / "r.html").get_text()


def test_renamed_columns_and_windows_are_told(make_frame: MakeFrame, tmp_path: Path):
    frame = make_frame("a.sae", rows(4, {0: 2}, name="a"), shard=4, user={"user_tokens": [1, 2, 3, 4]})
    text = words_of(written(frame, out=tmp_path / "r.html").select_one("#quality"))
    assert "column “tokens” is called “user_tokens” here" in text
    assert "1 long document read in overlapping windows" in text


def test_part_of_a_frame(pair: Pair, tmp_path: Path):
    part = pair[0].filter(pl.col("doc") < 10)
    soup = written(part, out=tmp_path / "r.html")
    assert only(soup, '[data-column="documents"][data-corpus]')["data-value"] == "10"
    assert "unknown for a part of a frame" in soup.select_one("#quality").get_text()


def test_origin_holds_encoder_hashes_versions_and_command(pair: Pair, tmp_path: Path):
    text = words_of(written(*pair, out=tmp_path / "r.html").select_one("#origin"))
    for frame in pair:
        assert frame.manifest.corpora[0].sha256 in text
    for part in (pair[0].encoder.reader_sha256, pair[0].encoder.sae_sha256, "6 features", pl.__version__):
        assert part in text
    assert "saedata report willow.sae flint.sae --out report.html" in text
    given = written(*pair, out=tmp_path / "r.html", command="saedata report w.jsonl f.jsonl")
    assert "saedata report w.jsonl f.jsonl" in given.select_one("#origin").get_text()


def test_same_frames_give_the_same_bytes(pair: Pair, tmp_path: Path):
    one, two = (report(*pair, out=tmp_path / name) for name in ("one.html", "two.html"))
    assert one.read_bytes() == two.read_bytes()


def test_page_needs_nothing_else(pair: Pair, tmp_path: Path):
    path = report(*pair, out=tmp_path / "r.html")
    source, soup = path.read_text("utf-8"), page(path)
    assert set(re.findall(r"https?://[^\s\"'<]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not soup.select("script, link, img, iframe, object, embed, [src], [onload]")
    assert {tag.name for tag in soup.select("[href]")} == {"a"}
    assert "url(" not in source.replace("url(#", "")
    policy = soup.select_one('meta[http-equiv="Content-Security-Policy"]')["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {link["href"] for link in soup.select("a")} == {f"#{one['id']}" for one in soup.select("section[id]")}
    for target in re.findall(r"url\(#([^)]+)\)", source):
        assert target in ids


def test_charts_are_named_for_screen_readers_and_hold_text(pair: Pair, tmp_path: Path):
    charts = written(*pair, out=tmp_path / "r.html").select(".chart")
    assert len(charts) == 2 + 2 + 4
    for chart in charts:
        assert chart["role"] == "img"
        assert len(chart["aria-label"]) > 20
        assert chart.svg["viewbox"]
        assert chart.select("text")


def test_size_depends_on_what_is_shown_not_on_the_corpus(make_frame: MakeFrame, tmp_path: Path):
    long = [(text + " and so on" * 2000, on) for text, on in rows(1000, dict.fromkeys(range(8), 900), name="a")]
    a = make_frame("a.sae", long, shard=512)
    b = make_frame("b.sae", rows(1000, dict.fromkeys(range(8), 20), name="b"), shard=512)
    assert report(a, b, out=tmp_path / "r.html", groups=False).stat().st_size < 260_000


def test_bad_calls_are_one_sentence(pair: Pair, make_frame: MakeFrame, tmp_path: Path):
    other = make_frame("o.sae", rows(3, {0: 1}, name="o"), encoder={"layer": 5})
    empty = pair[0].filter(pl.col("doc") < 0)
    out = tmp_path / "r.html"
    with pytest.raises(InputError, match="at least one corpus"):
        report(out=out)
    with pytest.raises(InputError, match="features is 0"):
        report(*pair, out=out, features=0)
    with pytest.raises(InputError, match="examples is -1"):
        report(*pair, out=out, examples=-1)
    with pytest.raises(InputError, match="level is 95"):
        report(*pair, out=out, level=95)
    with pytest.raises(InputError, match="it must be 0 or more"):
        report(*pair, out=out, threshold=-1.0)
    with pytest.raises(InputError, match="duplicates is 'twice'"):
        report(*pair, out=out, duplicates="twice")
    with pytest.raises(MismatchError):
        report(pair[0], other, out=out)
    with pytest.raises(InputError, match="has no documents"):
        report(empty, out=out)
    assert not out.exists()


def test_the_function_stands_in_the_package(pair: Pair, tmp_path: Path):
    assert saedata.report(*pair, out=tmp_path / "r.html") == Path(tmp_path / "r.html")


def test_drawing_libraries_are_loaded_only_when_drawing():
    heavy = "{'altair', 'vl_convert', 'jinja2', 'torch', 'scipy.stats'}"
    code = f"import sys, saedata.reports; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_smallest_seeable_by_trying_every_count():
    from saedata.reports.compared import smallest_seeable

    for n, m, base, tested in ((50, 80, 0.0, 40), (80, 50, 0.5, 40), (33, 33, 0.5, 1)):
        on = round(base * m)
        seen = [k for k in range(n + 1) if k / n > on / m and two_proportion_p([k], n, [on], m)[0] <= 0.05 / tested]
        assert math.isclose(smallest_seeable(n, m, base=base, tested=tested), seen[0] / n - on / m)
    assert smallest_seeable(2, 2, base=0.0, tested=100) is None
