"""What is expected of a reconstruction, and what is said where it is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from saedata.encoder_check.fit import Fit
    from saedata.encoders import Encoder
    from saedata.reader import Reader

Row = tuple[str, str, str, str]
"""Check, value, expected, verdict."""

_CARD = "card.json"
_CLEARLY = 0.9  # another place fits better if it leaves less than this share of the variance unexplained
_UNEXPLAINED = 0.7  # where nothing is known of the SAE; published ones leave .05 to .4 of text like their own
_RATIO = (0.5, 1.3)
_FEW = 1.0


def stored_figures(spec: Encoder) -> dict[str, float]:
    """Figures of the SAE on text held out in its training, where they lie beside it."""
    path = spec.folder / _CARD
    try:
        figures = orjson.loads(path.read_bytes())["held_out"]
        return {key: float(figures[key]) for key in ("variance_unexplained", "norm_ratio", "l0") if key in figures}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def figures(found: Fit, card: dict[str, float]) -> list[Row]:
    """The reconstruction against what the card says, or what every SAE should keep to."""
    return [
        _unexplained_row(found.variance_unexplained, card.get("variance_unexplained")),
        _ratio_row(found.norm_ratio, card.get("norm_ratio")),
        _l0_row(found.l0, card.get("l0")),
    ]


def _unexplained_row(found: float, known: float | None) -> Row:
    most = _UNEXPLAINED if known is None else max(2 * known, known + 0.25)
    verdict = "ok" if found <= most else "too much: the SAE does not rebuild what this reader makes of this text"
    return "variance unexplained", f"{found:.3f}", f"at most {most:.2f}{_told(known)}", verdict


def _ratio_row(found: float, known: float | None) -> Row:
    low, high = _RATIO if known is None else (known - 0.25, known + 0.25)
    verdict = "ok" if low <= found <= high else "what the SAE rebuilds is of another size than the hidden states"
    return "norm ratio", f"{found:.3f}", f"{low:.2f} to {high:.2f}{_told(known)}", verdict


def _l0_row(found: float, known: float | None) -> Row:
    if known is None:
        verdict = "ok" if found >= _FEW else "next to nothing is on: the hidden states are not what the SAE knows"
        return "features on per token", f"{found:.1f}", f"{_FEW:g} or more", verdict
    low, high = known / 3, known * 3
    verdict = "ok" if low <= found <= high else "another number of features is on than in training"
    return "features on per token", f"{found:.1f}", f"{low:.0f} to {high:.0f}{_told(known)}", verdict


def _told(known: float | None) -> str:
    return "" if known is None else f" ({known:.3g} in training)"


def place_row(reader: Reader, places: dict[tuple[int, str], float]) -> Row:
    """Whether the SAE leaves less variance unexplained at another layer or hook."""
    given = (reader.layer, reader.kind)
    best = min(places, key=lambda place: (places[place], place != given))
    verdict = "ok"
    if places[best] < _CLEARLY * places[given]:
        verdict = (
            f"the SAE fits layer {best[0]}, {best[1]} better (variance unexplained {places[best]:.3f} there, "
            f"{places[given]:.3f} here): it was probably trained there"
        )
        return "layer and hook", _said(best), _said(given), verdict
    return "layer and hook", _said(given), _said(given), verdict


def _said(place: tuple[int, str]) -> str:
    return f"layer {place[0]}, {place[1]}"


def scale_row(here: float, scales: dict[float, float]) -> Row:
    """Whether the SAE leaves less variance unexplained of the same hidden states, multiplied by a number."""
    best = min(scales, key=lambda scale: scales[scale])
    if scales[best] >= _CLEARLY * here:
        return "scale", "1", "1", "ok"
    verdict = (
        f"the SAE fits hidden states multiplied by {best:g} better (variance unexplained {scales[best]:.3f}, as they "
        f"are {here:.3f}): its inputs were probably normalised"
    )
    return "scale", f"{best:g}", "1", verdict
