"""Ask a language model that lies in a folder on this machine."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saedata.endpoint import Prompt, Reply
from saedata.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class LocalModel:
    """A `LanguageModel` that runs here: a Hugging Face causal model with safetensors weights.

    Parameters
    ----------
    folder
        With config, tokenizer and weights; nothing is downloaded, and no code in it is run.
    device
        "auto" takes a GPU where there is one.
    batch
        Prompts at a time.

    Raises
    ------
    InputError
        The folder does not hold such a model.
    """

    def __init__(self, folder: str | Path, *, device: str = "auto", batch: int = 4) -> None:
        import torch
        import transformers

        place = Path(folder)
        if not place.is_dir():
            msg = f"there is no folder {str(place)!r} with a language model"
            raise InputError(msg)
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(place, local_files_only=True, padding_side="left")
            model = transformers.AutoModelForCausalLM.from_pretrained(
                place, local_files_only=True, use_safetensors=True, dtype="auto"
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            msg = f"{place} holds no language model that can be loaded: {' '.join(str(error).split())[:200]}"
            raise InputError(msg) from error
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
        self.name = place.resolve().name
        self._tokenizer: Any = tokenizer
        where = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        untyped: Any = model
        self._model = untyped.to(where).eval()
        self._batch = max(batch, 1)

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r})"

    def ask(self, prompts: Iterable[Prompt]) -> Iterator[Reply]:
        """Answer every prompt exactly once, greedily; see `saedata.endpoint.LanguageModel`."""
        source = iter(prompts)
        while some := list(islice(source, self._batch)):
            fitting = []
            for prompt in some:
                text = self._chat(prompt)
                if self._length(text) + prompt.max_tokens > self._context:
                    error = f"the prompt does not fit into the {self._context} tokens of {self.name}"
                    yield Reply(prompt.key, None, error=error)
                else:
                    fitting.append((prompt, text))
            yield from self._answers(fitting)

    @property
    def _context(self) -> int:
        return int(getattr(self._model.config, "max_position_embeddings", None) or 1 << 30)

    def _length(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _chat(self, prompt: Prompt) -> str:
        """The prompt as the model's chat template writes it; plain text where it has none."""
        import jinja2

        both = f"{prompt.system}\n\n{prompt.user}"
        if not self._tokenizer.chat_template:
            return f"{both}\n\n"
        turns = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        try:
            return self._templated(turns)
        except jinja2.TemplateError:  # some templates know no system turn
            return self._templated([{"role": "user", "content": both}])

    def _templated(self, turns: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _answers(self, pairs: Sequence[tuple[Prompt, str]]) -> Iterator[Reply]:
        import torch

        if not pairs:
            return
        special = not self._tokenizer.chat_template  # a template has written them already
        texts = [text for _, text in pairs]
        inputs = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=special)
        inputs = {name: inputs[name].to(self._model.device) for name in ("input_ids", "attention_mask")}
        most = max(prompt.max_tokens for prompt, _ in pairs)
        with torch.inference_mode():
            made = self._model.generate(
                **inputs, max_new_tokens=most, do_sample=False, pad_token_id=self._tokenizer.pad_token_id
            )
        width = inputs["input_ids"].shape[1]
        read = inputs["attention_mask"].sum(1).tolist()
        for row, (prompt, _) in enumerate(pairs):
            answer = made[row, width:]
            text = self._tokenizer.decode(answer, skip_special_tokens=True)
            written = int((answer != self._tokenizer.pad_token_id).sum())
            yield Reply(prompt.key, text, prompt_tokens=int(read[row]), completion_tokens=written)
