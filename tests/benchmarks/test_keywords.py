"""Keywords: stems, words, phrases, and what a label quotes; the committed lists are of that form."""

from __future__ import annotations

import pytest

from benchmarks.ground_truth.corpora import read_lists
from benchmarks.keywords import Keywords
from benchmarks.planted_correlations import read_plants


@pytest.mark.parametrize(
    ("word", "label", "matches"),
    [
        ("hedg*", "Hedging: says a claim may be wrong", True),
        ("hedg*", "unhedged claims", False),
        ("tip", "tips for travellers", False),
        ("tip", "one tip, then another", True),
        ("full stop*", "full-stops at line ends", True),
        ("full stop*", "a full-length stop", False),
        ("first person", "first-person pronouns", True),
        ('"because"', "reasons given because of rain", False),
        ('"because"', 'the word "because"', True),
        ('"because"', "the words 'so' and 'because'", True),
        ('"because"', "“just because” as an answer", True),
        ('"so"', "the word 'also'", False),
        ('"may"', "may and might: possibility or permission", True),
        ('"may"', "months: March, May (and June)", True),
        ('"may"', "what one may do, and when", False),
        ('"such as"', "for example, such as, including", True),
        ('"n\'t"', "contractions with 'n't' after a verb", True),
        ('"it"', "the speaker's wish that it isn't so", False),
        ("über*", "words with Überraschung", True),
    ],
)
def test_what_a_keyword_matches(word: str, label: str, matches: bool):
    assert Keywords([word]).match(label) is matches


def test_nothing_matches_no_keywords():
    assert not Keywords([]).match("any label, 'quoted' or not")


def test_the_lists_are_of_the_form_that_is_matched():
    lists = read_lists()
    assert [name for name, one in lists.items() if one.counts] == ["alpaca_eval", "hc3", "onestop"]
    for one in lists.values():
        assert not one.more_in_first.match("tables of football results")
        assert not one.more_in_second.match("tables of football results")


def test_a_plant_has_ten_different_documents_of_little_length_and_two_concepts_apart():
    plants = read_plants()
    assert len(plants) == 4
    for plant in plants:
        assert len(set(plant.texts)) == 10
        assert all(60 <= len(text.split()) <= 150 for text in plant.texts)
    named = {plant.name: plant for plant in plants}
    assert named["gardening_disclaimers"].first.match("seeds, soil and pruning in gardening advice")
    assert not named["gardening_disclaimers"].second.match("seeds, soil and pruning in gardening advice")
    assert named["chess_pirates"].second.match("pirate talk: arr, matey")
