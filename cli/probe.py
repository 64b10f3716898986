"""`saedata probe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError
from saedata_cli.dataset import first_words
from saedata_cli.options import corpus_options, leave_defaults, open_all, table_options
from saedata_cli.output import check_out, check_save, emit, emit_beside, printable, show, told
from saedata_cli.plotting import draw, plot_option

if TYPE_CHECKING:
    from saedata.analysis.probe import Probing
    from saedata.frame import Embeddings

Command = Any  # click's decorators are untyped where they are stacked

_MORE = ("features", "disputed", "curves", "leaks")
"""Tables that --out writes beside the figures, where they are not empty."""

_FEATURES, _DISPUTED = 10, 5


def _fitting(command: Command) -> Command:
    """How probes are fitted."""
    for option in (
        click.option("--evidence", type=click.IntRange(0), default=3, show_default=True, help="Documents per feature."),
        click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level of the intervals."),
        click.option("--resamples", type=int, default=1000, show_default=True, help="Of the bootstrap."),
        click.option("--disputes", type=click.IntRange(0), default=100, show_default=True, help="Disputed labels."),
        click.option("--documents", type=int, default=20_000, show_default=True, help="Most that are used; a sample."),
        click.option("--domain", metavar="COL", help="With covariate_shift: each value tests what the others taught."),
        click.option(
            "--regime",
            type=click.Choice(["normal", "scarcity", "imbalance", "label_noise", "covariate_shift"]),
            default="normal",
            show_default=True,
            help="Few training documents, unequal classes, wrong labels, or another domain.",
        ),
        click.option("--arrows", is_flag=True, help="Does adding sparse probes to the baselines help?"),
        click.option(
            "--baseline",
            "baselines",
            multiple=True,
            metavar="NAME",
            help="Only this baseline; may be repeated; none: no baseline. Default: all eleven.",
        ),
        click.option(
            "--form",
            "forms",
            multiple=True,
            default=("value", "0", "0.3q"),
            show_default=True,
            metavar="FORM",
            help="What may be read of a feature: value, a threshold, or a share of its 90th percentile.",
        ),
        click.option(
            "--select",
            type=click.Choice(["mean_difference", "l1", "mutual_information"]),
            default="mean_difference",
            show_default=True,
            help="How features are chosen.",
        ),
        click.option("--k", "ks", multiple=True, type=int, metavar="K", help="Features; repeat. 1, 4, 16, 64, 128."),
    ):
        command = option(command)
    return command


def _splitting(command: Command) -> Command:
    """Which documents train and test."""
    for option in (
        click.option(
            "--duplicates",
            type=click.Choice(["once", "keep"]),
            default="once",
            show_default=True,
            help="Exact duplicate documents count once, or each; with --split each.",
        ),
        click.option(
            "--leaks",
            type=click.Choice(["keep", "drop"]),
            default="keep",
            show_default=True,
            help="Test documents that are in the training part too: keep them and warn, or drop them.",
        ),
        click.option("--test", type=float, default=0.25, show_default=True, help="Share of the documents that test."),
        click.option("--group", metavar="COL", help="Equal values stay on one side, such as an author."),
        click.option("--split", metavar="COL", help="Column that says train or test; default: at random."),
    ):
        command = option(command)
    return command


@click.command("probe")
@click.argument("corpus", metavar="FRAME")
@click.option("--label", required=True, metavar="COL", help="Column to predict.")
@click.option(
    "--task",
    type=click.Choice(["auto", "binary", "multiclass", "regression"]),
    default="auto",
    show_default=True,
    help="What kind of column it is.",
)
@click.option("--positive", metavar="VALUE", help="The value that is yes, against all others.")
@_splitting
@_fitting
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write the probe: .json, for classify.")
@click.option("--save-k", type=int, metavar="K", help="Features of the probe to write; default: what validates best.")
@corpus_options
@table_options
@plot_option
def command(
    corpus: str,
    save: Path | None,
    save_k: int | None,
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Tell what predicts a label: few features, beside dense vectors and words.

    --out x.csv writes the figures, and x.features.csv, x.disputed.csv, x.curves.csv and x.leaks.csv beside it.
    """
    from saedata.analysis.probe import probe

    check_out(out)
    _check_save(save, save_k, options)
    leave_defaults(options, "ks", "baselines")
    (frame,) = open_all([corpus], encoder=encoder, text=text, roles=roles, limit=limit)
    with told():
        found = probe(frame, **options)
    if save is not None:
        found.save(save, k=save_k)
        click.echo(f"{save}: a probe of {save_k or found.best} features", err=True)
    emit(found.table, out=out, as_json=as_json, people=lambda: _print(found, frame))
    emit_beside({name: getattr(found, name) for name in _MORE}, out=out)
    draw(plot, lambda: _pictures(found))


def _check_save(save: Path | None, save_k: int | None, options: dict[str, Any]) -> None:
    """Refuse a probe that cannot be written, before any work is done."""
    check_save(save)
    msg = ""
    if save is None:
        msg = "--save-k needs --save FILE" if save_k is not None else ""
    elif options["regime"] != "normal":
        msg = f"--save goes with the regime normal, not {options['regime']}, which fits many probes"
    if msg:
        raise InputError(msg)


def _pictures(found: Probing) -> list[Any]:
    from saedata.plots.probe import calibration_chart, k_chart, pr_chart, regime_chart, roc_chart

    if found.table["regime"][0] != "normal":
        return [regime_chart(found.table)]
    curves = [roc_chart, pr_chart, calibration_chart] if found.curves.height else []
    return [k_chart(found.table), *(chart(found.curves, found.table) for chart in curves)]


def _print(found: Probing, frame: Embeddings) -> None:
    import polars as pl
    from rich.table import Table

    if found.table["regime"][0] != "normal":
        _print_regime(found)
        return
    main, second = found.table["metric"].unique(maintain_order=True).to_list()[:2]
    others = dict(found.table.filter(pl.col("metric") == second).select(_key(), "value").iter_rows())
    table = Table("method", "reads", box=None, header_style="bold", pad_edge=False)
    for name in (main, "interval", second, "best sparse probe less this", "validation"):
        table.add_column(name, justify="right")
    for row in found.table.filter(pl.col("metric") == main).with_columns(_key().alias("key")).iter_rows(named=True):
        gap = _interval(row["difference"], row["difference_low"], row["difference_high"], signed=True)
        cells = [_method(row), row["input"], _figure(row["value"]), f"{_figure(row['low'])} to {_figure(row['high'])}"]
        table.add_row(*map(printable, cells), _figure(others[row["key"]]), gap, _figure(row["validation"]))
    show(table, *_notes(found, main))
    _print_features(found)
    _print_disputed(found, frame)


def _key() -> Any:
    import polars as pl

    return pl.concat_str("method", pl.lit("/"), pl.col("k").cast(pl.String).fill_null(""))


def _method(row: dict[str, Any]) -> str:
    return f"{row['method']} k={row['k']}{' *' if row['best'] else ''}" if row["k"] else row["method"]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(value: float | None, low: float | None, high: float | None, *, signed: bool) -> str:
    if value is None or low is None or high is None:
        return ""
    form = "+.3f" if signed else ".3f"
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def _notes(found: Probing, main: str) -> list[str]:
    first = found.table.row(0, named=True)
    notes = [
        f"{main} on {first['test']:,} test documents ({first['train']:,} trained, settings by cross-validation); "
        "* the sparse probe that validates best; intervals by bootstrap, differences paired"
    ]
    if found.leaks.height:
        notes.append(f"{found.leaks.height:,} test documents are in the training part too, equal or nearly")
    return notes


def _print_regime(found: Probing) -> None:
    import polars as pl
    from rich.table import Table

    main = found.table["metric"][0]
    rows = found.table.filter(pl.col("metric") == main).with_columns(
        name=pl.when(pl.col("k").is_null()).then("method").otherwise(pl.format("{} k={}", "method", "k"))
    )
    wide = rows.pivot("name", index=["setting", "train", "test"], values="value", maintain_order=True)
    table = Table(*wide.columns, box=None, header_style="bold", pad_edge=False)
    for row in wide.iter_rows():
        table.add_row(printable(str(row[0])), *(f"{n:,}" for n in row[1:3]), *map(_figure, row[3:]))
    show(table, f"{main} on the test documents, by method")


def _print_features(found: Probing) -> None:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

    own = found.features.filter(pl.col("k") == found.best)
    strongest = own.sort(-pl.col("weight").abs()).unique("feature", keep="first", maintain_order=True)
    several = own["class"].n_unique() > 1
    table = Table("weight", *(["class"] if several else []), "feature", box=None, header_style="bold", pad_edge=False)
    for name in ("on inside", "on outside", "evidence"):
        table.add_column(name)
    for row in strongest.head(_FEATURES).iter_rows(named=True):
        cells = [f"{row['weight']:+.2f}", *([printable(row["class"])] if several else []), printable(row["label"])]
        cells += ["" if row[name] is None else f"{row[name]:.1%}" for name in ("share_inside", "share_outside")]
        table.add_row(*(Text(cell) for cell in cells), ", ".join(map(str, row["evidence"])))
    what = f" for {own['class'][0]!r}" if not several and own["class"][0] is not None else ""
    show(table, f"features of the probe with k={found.best} by weight{what}, {min(strongest.height, _FEATURES)} shown")


def _print_disputed(found: Probing, frame: Embeddings) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = found.disputed.head(_DISPUTED)
    if shown.is_empty():
        return
    words = first_words(frame, shown["doc"])
    table = Table("doc", "label", "predicted", "by", "text", "why", box=None, header_style="bold", pad_edge=False)
    for row in shown.iter_rows(named=True):
        cells = [str(row["doc"]), row["label"], row["predicted"], f"{row['score']:.2f}", words[row["doc"]]]
        table.add_row(*(Text(printable(cell)) for cell in [*cells, "; ".join(row["features"])]))
    doubted = int(found.disputed["issue"].sum())
    listed = f"confident learning doubts {doubted} of the {found.disputed.height} listed"
    show(table, f"labels disputed most by probes that had not seen them; {listed}")
