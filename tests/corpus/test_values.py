from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from saedata.corpus.values import as_text, canonical, clean, json_bytes, plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("word"), "word"),
        (np.array([1, 2]), [1, 2]),
        ((1, (2, "x")), [1, [2, "x"]]),
        ({1: {"b": float("nan")}}, {"1": {"b": None}}),
        (2**70, str(2**70)),
        (Decimal("1.50"), "1.50"),
        (date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_plain_reduces_objects_to_json_values(value: object, expected: object) -> None:
    result = plain(value)
    assert result == expected
    assert type(result) is type(expected)


def test_a_lone_surrogate_becomes_the_replacement_character_and_a_pair_one_character() -> None:
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean("\ud83d\ude00") == "😀"
    assert plain({"\udfff": ["\ud800"]}) == {"\ufffd": ["\ufffd"]}
    clean("a\ud800b").encode()


def test_valid_text_is_returned_as_it_is() -> None:
    text = " \tÜnïcode 灯 😀 e\u0301\x00\r\n"
    assert clean(text) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" as is ", " as is "),
        (None, None),
        (True, "true"),
        (3, "3"),
        (0.25, "0.25"),
        (float("inf"), "inf"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (b"\x00\xff", "AP8="),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "2024-02-29T12:00:00+00:00"),
    ],
)
def test_as_text_writes_strings_as_they_are_and_the_rest_as_json(value: object, expected: str | None) -> None:
    assert as_text(value) == expected


def test_json_of_what_json_lacks() -> None:
    assert json_bytes([2**70, "\ud800", b"\x00"]) == b'["1180591620717411303424","\xef\xbf\xbd","AA=="]'


def test_canonical_bytes_do_not_depend_on_the_cuts() -> None:
    cells = [1, "a,b", None, [1, {"x": "]"}], 2.5, ""]
    whole = canonical(cells)
    for cut in range(len(cells) + 1):
        assert canonical(cells[:cut]) + canonical(cells[cut:]) == whole


def test_canonical_bytes_tell_values_apart() -> None:
    cells: list[list[object]] = [[None], [""], ["null"], [1], ["1"], [True], [[]], [], ["a", "b"], ["a,b"], ['a","b']]
    assert len({canonical(piece) for piece in cells}) == len(cells)
