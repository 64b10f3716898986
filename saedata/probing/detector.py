"""A saved probe: features, weights and the encoder they belong to, as plain JSON that scores new documents.

The file may come from a stranger: every value in it is checked, and nothing in it is executed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from saedata.errors import InputError
from saedata.frame.disk import write_file
from saedata.frame.manifest import EncoderInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from saedata.probing.targets import Kind

FORMAT, VERSION = "saedata-detector", 1
_KINDS = ("binary", "multiclass", "regression")
_MOST_NUMBERS = 1 << 24


@dataclass(frozen=True, eq=False)
class Detector:
    """A linear rule on a few features.

    A document's score is ``(form of its activations - centre) / spread @ weights + intercepts``; the form is the
    activation itself, or whether it is above `levels`.

    Attributes
    ----------
    kind
        "binary" (logistic), "multiclass" (softmax) or "regression" (the score itself).
    label
        Name of the column that it was learnt from.
    classes
        Names of the classes; of two the second is "yes". Empty for numbers.
    features, labels
        uint32 [k], and their names.
    binary
        Whether a feature counts as on or off.
    levels, centre, spread
        float64 [k].
    weights, intercepts
        float64 [k, outputs] and [outputs]; a binary detector has one output.
    threshold
        Probability from which a binary detector says yes.
    encoder
        What the features belong to.
    about
        Figures and choices, for people.
    """

    kind: Kind
    label: str
    classes: tuple[str, ...]
    features: NDArray[np.uint32]
    labels: tuple[str, ...]
    binary: bool
    levels: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    threshold: float
    encoder: EncoderInfo
    about: dict[str, str | float | int | None]

    def columns(self, rows: sparse.csr_matrix[np.float32]) -> NDArray[np.float64]:
        """Standardised columns of some documents, [documents, k]; `rows` has all of the encoder's features."""
        x = np.asarray(rows[:, self.features.astype(np.intp)].toarray(), dtype=np.float32)
        read = (x > self.levels.astype(np.float32)).astype(np.float32) if self.binary else x
        return np.asarray((read - self.centre) / self.spread, dtype=np.float64)

    def scores(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores from `columns`, [documents, outputs]."""
        return np.asarray(columns @ self.weights + self.intercepts)

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each class, [documents, classes], from the scores of a detector of classes."""
        from scipy.special import expit, softmax

        if self.kind == "binary":
            yes = expit(scores[:, 0])
            return np.stack([1 - yes, yes], axis=1)
        return np.asarray(softmax(scores, axis=1))

    def save(self, path: str | Path) -> None:
        """Write it as JSON.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        content = {"format": FORMAT, "schema_version": VERSION} | asdict(self)
        options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
        try:
            write_file(Path(path), lambda file: file.write(orjson.dumps(content, option=options) + b"\n"))
        except OSError as error:
            msg = f"cannot write the detector {path}: {error.strerror}; choose another place"
            raise InputError(msg) from error

    @classmethod
    def load(cls, path: str | Path) -> Detector:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            It cannot be read, or is no detector.
        """
        path = Path(path)
        try:
            raw = orjson.loads(path.read_bytes())
        except OSError as error:
            msg = f"cannot read the detector {path}: {error.strerror}"
            raise InputError(msg) from error
        except orjson.JSONDecodeError as error:
            msg = f"{path} is no detector: it is not JSON ({error})"
            raise InputError(msg) from None
        try:
            return _parsed(raw)
        except _InvalidError as error:
            msg = f"{path} is no detector that this saedata can use: {error}"
            raise InputError(msg) from None


class _InvalidError(ValueError):
    """Says what is wrong."""


def _refuse(what: str) -> None:
    raise _InvalidError(what)


def _parsed(raw: Any) -> Detector:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        _refuse(f"its 'format' is not {FORMAT!r}; `saedata probe --save` writes such files")
    if raw.get("schema_version") != VERSION:
        _refuse(f"it has schema version {str(raw.get('schema_version'))[:20]}, this saedata reads {VERSION}")
    names = {field.name for field in fields(Detector)}
    if differing := sorted(set(raw) - {"format", "schema_version"} ^ names):
        _refuse(f"it lacks or should not have {', '.join(map(repr, differing[:5]))}")
    if raw["kind"] not in _KINDS or not isinstance(raw["label"], str) or not isinstance(raw["binary"], bool):
        _refuse("'kind', 'label' or 'binary' is wrong")
    features = _numbers(raw["features"], "features", ()).astype(np.int64)
    k = len(features)
    classes, labels = _strings(raw["classes"], "classes"), _strings(raw["labels"], "labels")
    outputs = {"binary": 1, "regression": 1}.get(raw["kind"], len(classes))
    fewest = {"binary": len(classes) == 2, "multiclass": len(classes) > 1, "regression": not classes}
    if len(labels) != k or not fewest[raw["kind"]]:
        _refuse("there are not as many 'labels' or 'classes' as there should be")
    encoder = _encoder(raw["encoder"])
    if not k or features.min() < 0 or features.max() >= encoder.d_sae:
        _refuse("'features' holds numbers that the encoder has not")
    arrays = {name: _numbers(raw[name], name, (k,)) for name in ("levels", "centre", "spread")}
    if not (arrays["spread"] > 0).all():
        _refuse("'spread' must be above 0")
    threshold = float(_numbers([raw["threshold"]], "threshold", (1,))[0])
    about = raw["about"]
    plain = isinstance(about, dict) and all(isinstance(v, str | int | float | None) for v in about.values())
    if not plain:
        _refuse("'about' is not a list of plain values")
    return Detector(
        kind=raw["kind"],
        label=raw["label"],
        classes=classes,
        features=features.astype(np.uint32),
        labels=labels,
        binary=raw["binary"],
        weights=_numbers(raw["weights"], "weights", (k, outputs)),
        intercepts=_numbers(raw["intercepts"], "intercepts", (outputs,)),
        threshold=threshold,
        encoder=encoder,
        about=about,
        **arrays,
    )


def _numbers(raw: Any, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        values = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.full(1, np.nan)
    if values.size > _MOST_NUMBERS or not np.isfinite(values).all() or (shape and values.shape != shape):
        _refuse(f"{name!r} does not hold {shape or 'so many'} finite numbers")
    if not shape and values.ndim != 1:
        _refuse(f"{name!r} is no list of numbers")
    return values


def _strings(raw: Any, name: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        _refuse(f"{name!r} is no list of texts")
    return tuple(raw)


def _encoder(raw: Any) -> EncoderInfo:
    hints = {field.name: str(field.type) for field in fields(EncoderInfo)}
    if not isinstance(raw, dict) or set(raw) != set(hints):
        _refuse("'encoder' does not say what the features belong to")
    allowed: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "int": (int,),
        "float": (int, float),
        "str | None": (str, type(None)),
    }
    wrong = [name for name, hint in hints.items() if not isinstance(raw[name], allowed[hint])]
    if wrong:
        _refuse(f"'encoder' has a wrong {wrong[0]!r}")
    return EncoderInfo(**raw)
