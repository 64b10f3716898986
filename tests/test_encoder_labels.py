"""Labels of poles: a signed feature's label serves both, with a sign; labels of single poles stay as they are."""

import polars as pl

from saedata.encoder_labels import pole_labels
from saedata.frame.layout import LABEL_SCHEMA


def test_a_label_serves_both_poles_with_a_sign() -> None:
    given = pl.DataFrame({"feature": [0, 1], "label": ["politeness", None], "label_source": ["me", None]})
    table = pole_labels(given, 3)
    assert table.schema == pl.Schema(LABEL_SCHEMA)
    assert table["label"].to_list() == ["politeness (+)", None, None, "politeness (−)", None, None]
    assert table["label_source"].to_list() == ["me", None, None, "me", None, None]
    pole = ["positive pole"] * 2, ["negative pole"] * 2
    assert table["kind"].to_list() == [None, *pole[0], None, *pole[1]]


def test_labels_of_single_poles_stay_as_they_are() -> None:
    table = pole_labels(pl.DataFrame({"feature": [0, 4], "label": ["thanks", "blame"], "kind": ["tone", "tone"]}), 3)
    assert table["label"].to_list() == ["thanks", None, None, None, "blame", None]
    assert table["kind"].to_list()[0] == table["kind"].to_list()[4] == "tone"


def test_without_labels_poles_are_told_by_their_kind() -> None:
    assert pole_labels(None, 2)["kind"].to_list() == ["positive pole"] * 2 + ["negative pole"] * 2
