"""Files of the Hugging Face hub: from its cache on this machine, else from the hub itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from saedata.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class GatedError(EncoderError):
    """A repository gives its files only to those who accepted its terms."""


def hub_folder(
    repository: str, patterns: Sequence[str], *, complete: Callable[[Path], bool], download: bool = True
) -> Path | None:
    """Find the local copy of some files of a repository; what is not in the cache is fetched.

    Parameters
    ----------
    repository
        Name on the hub, as in ``google/gemma-2-2b``.
    patterns
        Which files, with wildcards.
    complete
        Whether a folder has all that is needed.
    download
        Whether to ask the hub for what the cache lacks.

    Returns
    -------
    pathlib.Path or None
        A folder laid out as the repository; None if there is no such repository, or the hub is out of reach.

    Raises
    ------
    GatedError
        The hub gives the files only to those who accepted their terms.
    """
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError, HFValidationError

    for local_only in (True, False)[: 1 + download]:
        try:
            found = Path(
                huggingface_hub.snapshot_download(
                    repository, allow_patterns=list(patterns), local_files_only=local_only
                )
            )
        except HFValidationError:
            return None
        except GatedRepoError as error:
            msg = (
                f"{repository} is gated: accept its terms at https://huggingface.co/{repository}, then log in on this "
                "machine with `hf auth login`, or set HF_TOKEN"
            )
            raise GatedError(msg) from error
        except (OSError, ValueError, RuntimeError):  # not in the cache; then: hub out of reach or no such name
            continue
        if complete(found):
            return found
    return None
