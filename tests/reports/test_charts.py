from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from saedata.plots.saving import own_ids
from saedata.plots.theme import PALETTE
from saedata.reports.charts import histogram
from saedata.reports.corpora import Histogram, _binned


def test_ids_become_unique_and_text_stays_as_it_is():
    text = 'id="a" url(#a)'
    inside = f'<path id="a"/><g clip-path="url(#a)"/><text>{text}</text>'
    svg = f'<svg width="20" height="9.5" viewBox="0 0 1 1">{inside}</svg>'
    root = ET.fromstring(own_ids(svg, "mine"))
    path, group, label = root
    assert (path.get("id"), group.get("clip-path"), label.text) == ("mine-a", "url(#mine-a)", text)
    assert (root.get("width"), root.get("height"), root.get("aria-hidden")) == ("20", "9.5", "true")


def test_each_corpus_has_a_line_of_its_own_colour():
    svg = histogram(Histogram("tokens", (0.0, 1.0, 2.0), ((0.5, 0.5), (1.0, 0.0), (0.0, 1.0))), prefix="h")
    for colour in PALETTE[:3]:
        assert f'stroke="{colour}"' in svg


@pytest.mark.parametrize("top", [0, 1, 7, 1234])
def test_bins_hold_every_document(top: int):
    values = [np.arange(top + 1), np.zeros(3, dtype=np.int64)]
    binned = _binned("tokens", values)
    assert binned is not None
    assert [round(sum(heights), 9) for heights in binned.heights] == [1, 1]
    assert binned.edges[-1] >= np.quantile(np.concatenate(values), 0.995)
    assert len(binned.edges) <= 62
    assert not binned.folded or binned.edges[-1] < top


def test_a_huge_document_does_not_squeeze_the_others():
    binned = _binned("tokens", [np.append(np.full(1000, 20), 1_000_000)])
    assert binned is not None
    assert binned.edges[-1] < 50
    assert binned.folded
