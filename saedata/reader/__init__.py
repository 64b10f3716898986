"""The reader: a Hugging Face model cut after the hook layer, and the windows of text that it reads."""

from saedata.reader.batches import batches, read, read_windows
from saedata.reader.chat import ChatTemplate
from saedata.reader.conversations import check_conversations
from saedata.reader.hooks import HOOKS, Hook
from saedata.reader.load import load_reader
from saedata.reader.model import Document, Reader
from saedata.reader.neighbours import nearby
from saedata.reader.places import Device, Precision, cpu_has_bfloat16
from saedata.reader.windows import OVERLAP, Window

__all__ = [
    "HOOKS",
    "OVERLAP",
    "ChatTemplate",
    "Device",
    "Document",
    "Hook",
    "Precision",
    "Reader",
    "Window",
    "batches",
    "check_conversations",
    "cpu_has_bfloat16",
    "load_reader",
    "nearby",
    "read",
    "read_windows",
]
