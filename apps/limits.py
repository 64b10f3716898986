"""How much is done at once; in one place, so that tests and people with larger machines can change it."""

from __future__ import annotations

SMALL = 3_000
"""Documents up to which a page waits for a result; above, work runs in a process of its own."""

BINNED = 50_000
"""Documents above which the map counts them."""

POINTS = 3_000
"""Documents drawn on the map, at most: a random choice of all. A browser takes a second for some thousand points."""

SAMPLE = 20_000
LARGE = 100_000
"""Documents from which on so many are mapped, chosen at random, unless all are asked for."""

MANY = 50_000
"""Documents from which on `diff` leaves mean activations out unless they are asked for."""

LEARNED_FROM, LEARNED_SHARE = 100, 0.05
"""Hits of a first search from which features are learned, and the share of a corpus that they may be: of a small one
the best 100 are mostly documents without the property."""
