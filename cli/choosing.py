"""Options of the commands that choose features by words, and the language model that may help with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from saedata.errors import InputError

if TYPE_CHECKING:
    from saedata.endpoint import LanguageModel

Command = Any  # click's decorators are untyped where they are stacked


def choice_options(command: Command) -> Command:
    """How features are chosen by words."""
    for option in (
        click.option(
            "--key-variable",
            default="OPENAI_API_KEY",
            show_default=True,
            metavar="VAR",
            help="Environment variable that holds the key.",
        ),
        click.option("--model", "name", metavar="NAME", help="Model behind the URL."),
        click.option("--base-url", metavar="URL", help="A language model widens phrases and judges features."),
        click.option(
            "--least",
            type=float,
            default=0.25,
            show_default=True,
            metavar="COS",
            help="Cosine that the nearest label must reach for a phrase to be known.",
        ),
        click.option("--per-phrase", type=click.IntRange(1), default=100, show_default=True, help="Features each."),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only features of a kind, e.g. tone."),
        click.option("--not", "without", multiple=True, metavar="PHRASE", help="Leave out features nearer to this."),
        click.option("--feature", "features", multiple=True, type=int, metavar="N", help="Choose a feature by number."),
    ):
        command = option(command)
    return command


def asked_model(options: dict[str, Any]) -> LanguageModel | None:
    """Whom to ask, None for nobody; takes the options that say so out of the others."""
    base_url, name, key = (options.pop(one) for one in ("base_url", "name", "key_variable"))
    if bool(base_url) != bool(name):
        msg = "--base-url and --model belong together: give both"
        raise InputError(msg)
    if not base_url:
        return None
    from saedata.labels.client import Endpoint

    return Endpoint(base_url, name, key_variable=key)
