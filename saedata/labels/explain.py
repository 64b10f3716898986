"""Label features in words: a language model reads windows where a feature is on and off, and says what it is."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from saedata.corpus import Corpus, read_corpus
from saedata.encoder_labels import encoder_labels
from saedata.encoders import Encoder, LoadedEncoder, load_encoder
from saedata.errors import EncoderError, InputError, SaedataError
from saedata.frame import Embeddings, is_frame, open_frame
from saedata.frame.layout import LABEL_SCHEMA
from saedata.frame.relabel import relabel_frame
from saedata.labels.answerfile import AnswerFile, export_prompts
from saedata.labels.journal import Journal
from saedata.labels.prompts import PROMPT_VERSION
from saedata.labels.rounds import Asking, equal_labels
from saedata.labels.store import examples_table, label_encoder, write_record
from saedata.labels.tasks import FEWEST_WINDOWS, make_tasks
from saedata.labels.windows import WindowPool
from saedata.progress import progress
from saedata.sae.poles import Poles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from saedata.endpoint import LanguageModel, Prompt, Reply
    from saedata.labels.prompts import Answer
    from saedata.labels.tasks import Task
    from saedata.reader import Device, Precision

log = logging.getLogger("saedata")

TOKEN = "token"  # noqa: S105  (a kind of feature)
_CHARACTERS_PER_TOKEN = 4
_ANSWER_TOKENS = 40
_SPARE = 1.5  # documents are chosen for this many times the tokens that are wanted: characters per token vary


@dataclass(frozen=True)
class Estimate:
    """What asking will take, before repeated questions.

    Attributes
    ----------
    prompts
        Questions that no earlier run has answered.
    prompt_tokens, completion_tokens
        About how many.
    price
        At the prices given; None: none were.
    """

    prompts: int
    prompt_tokens: int
    completion_tokens: int
    price: float | None = None

    def __str__(self) -> str:
        price = "" if self.price is None else f", price about {self.price:,.2f}"
        return (
            f"{self.prompts:,} prompts, about {self.prompt_tokens:,} prompt tokens and "
            f"{self.completion_tokens:,} completion tokens{price}, and a few more for repeated questions"
        )


def label(
    source: Any,
    *,
    model: LanguageModel | None = None,
    encoder: str | Path | Encoder | LoadedEncoder | None = None,
    features: Sequence[int] | None = None,
    positives: int = 20,
    negatives: int = 10,
    tokens: int = 1_000_000,
    threshold: float | None = None,
    seed: int = 0,
    text: str | None = None,
    roles: Sequence[str] = ("assistant",),
    limit: int | None = None,
    prices: tuple[float, float] | None = None,
    journal: str | Path | None = None,
    export: str | Path | None = None,
    folder: str | Path | None = None,
    apply: bool = False,
    device: Device | str = "auto",
    precision: Precision = "auto",
) -> pl.DataFrame:
    """Write a label for every feature that is on in some text.

    Every answer is kept on disk as it comes, so that the same call again asks only what is still open. A feature whose
    answer cannot be used is asked for once more, and so are features that got equal labels, with windows of both.

    Parameters
    ----------
    source
        Text like that in which the labels will be used: anything that `embed` takes, or a frame, whose own encoder is
        used then.
    model
        Who answers: an `Endpoint`, a `LocalModel`, an `AnswerFile`. None: nobody is asked, which is of use with
        `export`, and to see the estimate.
    encoder
        Name, folder, or one that is loaded already. Default: that of the frame, else "minilm".
    features
        Which features; default: all.
    positives, negatives
        Windows shown for each feature: where it is on, as evenly as can be from ten activation quantiles; and where it
        is off, half of them where related features are on.
    tokens
        How much text to read, at most.
    threshold
        A feature is on above this; default: that of the frame or encoder.
    seed
        Of the choice of windows.
    text, roles, limit
        Which text to take; see `saedata.corpus.read_corpus`.
    prices
        Of a million prompt tokens and of a million completion tokens, for the estimate.
    journal
        File that keeps the answers; default: one in the cache, for this encoder. An `AnswerFile` needs none.
    export
        File for the prompts that have no answer (JSON lines of key, system, user, max_tokens).
    folder
        Where to write `examples.parquet` (the windows shown: feature, role, decile, value, and the hash of the text)
        and `provenance.json`.
    apply
        Put the labels into the frame; without a frame, into the folder of the encoder.
    device, precision
        As in `embed`.

    Returns
    -------
    polars.DataFrame
        ``feature``, ``label``, ``kind``, ``label_source``, ``label_score`` (null: see the scores), ``tokens``; one row
        for each feature asked for. ``kind`` is "token" where at least 80 % of the strongest windows peak on at most
        three word forms. Without a label: features that are on in fewer than 3 windows, or got no usable answer.

    Raises
    ------
    InputError
        Something given cannot be used.
    SaedataError
        The model answered nothing at all.
    """
    if positives < FEWEST_WINDOWS or negatives < 0 or tokens < 1:
        msg = f"positives must be at least {FEWEST_WINDOWS}, negatives at least 0, tokens at least 1"
        raise InputError(msg)
    frame, read = _read(source, text=text, roles=roles, limit=limit)
    _check_target(frame, encoder, apply=apply, export=export)
    loaded = _encoder(encoder, frame, device, precision)
    wanted = _features(features, loaded.sae.d_sae)
    above = frame.threshold if frame is not None and threshold is None else threshold
    with progress("reading", total=min(tokens, read.characters // 4), unit="tokens") as done:
        pool = WindowPool.read(_texts(read, tokens), loaded, tokens=tokens, threshold=above, progress=done)
    with progress("choosing windows", total=len(wanted), unit="features") as done:
        choice = {"positives": positives, "negatives": negatives, "seed": seed}
        tasks = list(make_tasks(pool, wanted, loaded.sae.W_dec, progress=done, **choice))
    asking, answers = _ask(tasks, model, loaded, journal, prices)
    table = _table(tasks, answers, "" if model is None else model.name)
    if export is not None:
        count = export_prompts(export, asking.unanswered.values())
        log.info("%s: %s prompts to be answered", export, f"{count:,}")
    counts = _tell(tasks, answers, asking, model)
    if folder is not None:
        options = choice | {"tokens": tokens, "threshold": pool.threshold, "windows": len(pool.texts)}
        write_record(folder, examples_table(tasks, answers), _provenance(loaded, read, model, options, counts))
    if model is not None and not answers and asking.errors and export is None:
        msg = f"no feature could be labelled: {Counter(asking.errors.values()).most_common(1)[0][0]}"
        raise SaedataError(msg)
    if apply:
        _apply(table, frame, loaded)
    return table


def estimate(prompts: Sequence[Prompt], prices: tuple[float, float] | None = None) -> Estimate:
    """Say what asking some prompts will take.

    Examples
    --------
    >>> from saedata.endpoint import Prompt
    >>> estimate([Prompt("1-a", "s" * 400, "u" * 4000)] * 100, (2.0, 8.0)).price
    0.252
    """
    asked = sum(len(prompt.system) + len(prompt.user) for prompt in prompts) // _CHARACTERS_PER_TOKEN
    answered = _ANSWER_TOKENS * len(prompts)
    price = None if prices is None else (prices[0] * asked + prices[1] * answered) / 1e6
    return Estimate(len(prompts), asked, answered, price)


def _read(
    source: Any, *, text: str | None, roles: Sequence[str], limit: int | None
) -> tuple[Embeddings | None, Corpus]:
    """The texts, and the frame that they are in."""
    frame = source if isinstance(source, Embeddings) else open_frame(Path(source)) if is_frame(source) else None
    if frame is None:
        return None, read_corpus(source, text=text, roles=roles, limit=limit)
    return frame, read_corpus(frame.scan_documents().select("text"), text="text", limit=limit)


def _check_target(frame: Embeddings | None, encoder: object, *, apply: bool, export: str | Path | None) -> None:
    """Find out before any work whether the results can be put anywhere."""
    if export is not None and not Path(export).absolute().parent.is_dir():
        msg = f"cannot write {export}: there is no folder {Path(export).parent}"
        raise InputError(msg)
    if not apply:
        return
    if frame is not None and frame.path is None:
        msg = "labels cannot be put into frames that were joined; label each of them"
        raise InputError(msg)
    if frame is None and not (isinstance(encoder, str | Path) and Path(encoder).is_dir()):
        msg = "apply puts labels into a frame, or into an encoder given as a folder; this is neither"
        raise InputError(msg)


def _encoder(
    encoder: str | Path | Encoder | LoadedEncoder | None,
    frame: Embeddings | None,
    device: Device | str,
    precision: Precision,
) -> LoadedEncoder:
    if isinstance(encoder, LoadedEncoder):
        loaded = encoder
    elif frame is None:
        loaded = load_encoder(encoder or "minilm", device=device, precision=precision)
    else:
        own: Precision = "bfloat16" if frame.encoder.precision == "bfloat16" else "float32"
        chosen = own if precision == "auto" else precision
        loaded = load_encoder(encoder or frame.encoder.name, device=device, precision=chosen)
    if frame is not None and (loaded.sae_sha256, loaded.reader.sha256) != (
        frame.encoder.sae_sha256,
        frame.encoder.reader_sha256,
    ):
        msg = (
            f"the encoder {loaded.spec.name!r} has other weights than the frame {frame.name} was made with; "
            "give the right one as encoder"
        )
        raise EncoderError(msg)
    return loaded


def _features(features: Sequence[int] | None, d_sae: int) -> list[int]:
    wanted = range(d_sae) if features is None else sorted({int(feature) for feature in features})
    if wrong := [feature for feature in wanted if not 0 <= feature < d_sae]:
        msg = f"feature {wrong[0]} does not exist: this encoder has features 0 to {d_sae - 1}"
        raise InputError(msg)
    return list(wanted)


def _texts(read: Corpus, tokens: int) -> Iterator[str]:
    """Every text once; of a corpus that is too large an even choice by hash, not its beginning."""
    share = tokens * _CHARACTERS_PER_TOKEN * _SPARE / max(read.characters, 1)
    seen: set[bytes] = set()
    for batch in read.batches():
        for text in batch["text"].drop_nulls():
            digest = hashlib.sha256(text.encode()).digest()[:16]
            if digest not in seen and int.from_bytes(digest[:4], "big") < share * 2**32:
                seen.add(digest)
                yield text


def _ask(
    tasks: list[Task],
    model: LanguageModel | None,
    loaded: LoadedEncoder,
    journal: str | Path | None,
    prices: tuple[float, float] | None,
) -> tuple[Asking, dict[int, Answer]]:
    with contextlib.ExitStack() as stack:
        earlier: dict[str, str] = {}
        keep: Callable[[Reply], None] = _forget
        if model is not None and not isinstance(model, AnswerFile):
            path = Path(journal) if journal is not None else _journal(loaded)
            book = stack.enter_context(Journal(path, encoder=_hash(loaded), model=model.name))
            earlier, keep = book.answers, book.add
        asking = Asking(model, earlier, keep)
        new = [task.prompt for task in tasks if task.prompt and task.prompt.key not in earlier]
        log.info("labelling %s features: %s", f"{len(tasks):,}", estimate(new, prices))
        answers = asking.label(tasks)
    if isinstance(model, AnswerFile):
        model.tell()
    return asking, answers


def _forget(_reply: Reply) -> None:
    """Answers of a file are in that file."""


def _journal(loaded: LoadedEncoder) -> Path:
    from saedata.folders import cache_folder

    return cache_folder() / "labels" / f"{_hash(loaded)[:24]}.jsonl"


def _hash(loaded: LoadedEncoder) -> str:
    return hashlib.sha256(f"{loaded.sae_sha256} {loaded.reader.sha256}".encode()).hexdigest()


def _table(tasks: Sequence[Task], answers: dict[int, Answer], source: str) -> pl.DataFrame:
    rows = []
    for task in tasks:
        answer = answers.get(task.feature)
        said = (answer.label, TOKEN if task.is_token else answer.kind, source) if answer else (None, None, None)
        rows.append((task.feature, *said, None, task.words or None))
    return pl.DataFrame(rows, schema=LABEL_SCHEMA, orient="row")


def _tell(
    tasks: Sequence[Task], answers: dict[int, Answer], asking: Asking, model: LanguageModel | None
) -> dict[str, int]:
    """Count what became of the features, and say so."""
    equal = equal_labels({feature: answer.label for feature, answer in answers.items()})
    counts = {
        "features": len(tasks),
        "labelled": len(answers),
        "dead": sum(task.windows == 0 for task in tasks),
        "too_few_windows": sum(task.prompt is None and task.windows > 0 for task in tasks),
        "without_answer": sum(task.prompt is not None and task.feature not in answers for task in tasks),
        "with_equal_labels": sum(map(len, equal)),
        "prompts_asked": asking.asked,
        "prompt_tokens": asking.prompt_tokens,
        "completion_tokens": asking.completion_tokens,
    }
    log.info(
        "%s of %s features labelled; %s dead, %s on in fewer than %s windows, %s without a usable answer, "
        "%s share a label; %s prompt and %s completion tokens used",
        *(f"{counts[name]:,}" for name in ("labelled", "features", "dead", "too_few_windows")),
        FEWEST_WINDOWS,
        *(
            f"{counts[name]:,}"
            for name in ("without_answer", "with_equal_labels", "prompt_tokens", "completion_tokens")
        ),
    )
    if model is not None:
        for reason, times in Counter(asking.errors.values()).most_common(3):
            log.warning("%s times: %s", f"{times:,}", reason)
    if asking.strays:
        log.warning("%s replies to nothing that was asked are left out", f"{asking.strays:,}")
    return counts


def _provenance(
    loaded: LoadedEncoder, read: Corpus, model: LanguageModel | None, options: dict[str, Any], counts: dict[str, int]
) -> dict[str, Any]:
    """Where the labels are from; the date stands here and not in the table, which is the same every time."""
    return {
        "model": None if model is None else model.name,
        "prompt_version": PROMPT_VERSION,
        "encoder": {
            "name": loaded.spec.name,
            "sae_sha256": loaded.sae_sha256,
            "reader_sha256": loaded.reader.sha256,
            "layer": loaded.spec.layer,
        },
        "corpus": {"sha256": read.sha256, "documents": read.documents, "characters": read.characters},
        "options": options,
        "counts": counts,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _apply(table: pl.DataFrame, frame: Embeddings | None, loaded: LoadedEncoder) -> None:
    if frame is not None and frame.path is not None:
        relabel_frame(frame.path, table)
    else:
        signed = isinstance(loaded.sae, Poles)
        label_encoder(loaded.spec.folder, table, there=encoder_labels(loaded.spec, loaded.sae) if signed else None)
