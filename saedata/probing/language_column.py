"""The column that says in which language a document is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from saedata.errors import InputError
from saedata.probing.labelled import named, read_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saedata.frame import Embeddings

MOST_LANGUAGES = 200

_PAIRS = (
    "ara=ar arb=ar amh=am bul=bg ces=cs dan=da deu=de ger=de eng=en fin=fi fra=fr fre=fr heb=he hin=hi hun=hu "
    "ind=id ita=it jpn=ja kor=ko nld=nl dut=nl pol=pl por=pt ron=ro rum=ro rus=ru spa=es swe=sv tur=tr ukr=uk "
    "zho=zh chi=zh cmn=zh"
)
_CODES: dict[str, str] = dict(pair.split("=") for pair in _PAIRS.split())
"""Three letters (ISO 639-2 and 639-3) of common languages to two."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """Documents whose language is known.

    Attributes
    ----------
    docs
        uint32, ascending.
    codes
        int64, the place of each document's language in `names`.
    names
        Languages as the column writes them, in their order.
    """

    docs: NDArray[np.uint32]
    codes: NDArray[np.int64]
    names: tuple[str, ...]

    def of(self, docs: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Languages of some documents; -1 where it is not known."""
        at = np.minimum(np.searchsorted(self.docs, docs), max(len(self.docs) - 1, 0))
        if not len(self.docs):
            return np.full(len(docs), -1, dtype=np.int64)
        return np.where(self.docs[at] == docs, self.codes[at], -1)


def read_languages(frame: Embeddings, column: str) -> Spoken:
    """Read the documents that have a language.

    Parameters
    ----------
    frame
        The documents.
    column
        Name of the column.

    Raises
    ------
    InputError
        There is no such column, it has no value anywhere, or more than 200 different ones.

    Warns
    -----
    UserWarning
        Documents without a language are left out; some are named.
    """
    table = read_column(frame, column).with_columns(pl.col(column).cast(pl.String).str.strip_chars().replace("", None))
    absent = table.filter(pl.col(column).is_null())["doc"].to_list()
    table = table.drop_nulls()
    names = tuple(table[column].unique().sort().to_list())
    if not names or len(names) > MOST_LANGUAGES:
        found = f"{len(names):,} different values; at most {MOST_LANGUAGES} languages" if names else "no value anywhere"
        msg = f"column {column!r} has {found}{' can be compared' if names else ''}; give the column with the language"
        raise InputError(msg)
    if absent:
        warnings.warn(
            f"{len(absent):,} documents have no language in {column!r} and are left out: {named(absent)}", stacklevel=3
        )
    codes = (table[column].rank("dense") - 1).cast(pl.Int64).to_numpy()
    return Spoken(table["doc"].to_numpy(), codes, names)


def language_code(name: str) -> str:
    """Two letters of a language, where they can be told from how a column writes it.

    Examples
    --------
    >>> language_code("en"), language_code("deu_Latn"), language_code("pt-BR"), language_code("Klingon")
    ('en', 'de', 'pt', 'klingon')
    """
    first = name.strip().lower().replace("_", "-").split("-")[0]
    return _CODES.get(first, first)
