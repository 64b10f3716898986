"""`saedata app`."""

from __future__ import annotations

from pathlib import Path

import click

from saedata_cli.options import corpus_options, open_all, quiet_option


@click.command("app")
@click.argument("corpora", nargs=-1, metavar="FRAME...")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, metavar="N")
@click.option("--headless", is_flag=True, help="Open no browser.")
@click.option(
    "--address",
    default="localhost",
    show_default=True,
    metavar="HOST",
    help="Where it listens. On other than this machine set SAEDATA_APP_PASSWORD, which visitors are then asked for.",
)
@click.option(
    "--corpora",
    "folders",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder whose files can be embedded from the dashboard; may be repeated.",
)
@corpus_options
@quiet_option
def command(
    corpora: tuple[str, ...],
    port: int,
    headless: bool,  # noqa: FBT001
    address: str,
    folders: tuple[Path, ...],
    encoder: str,
    text: str | None,
    roles: tuple[str, ...],
    limit: int | None,
) -> None:
    """Look at corpora in the browser: what is in them, how they differ, with evidence.

    The first is the target of comparisons.
    """
    from saedata_apps.serving import check_streamlit, serve

    check_streamlit()
    frames = open_all(corpora, encoder=encoder, text=text, roles=roles, limit=limit)
    serve(*frames, port=port, address=address, headless=headless, corpora=folders, sources=corpora)
