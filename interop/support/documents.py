"""The documents that the tests submit, and what must be in them."""

import functools
import hashlib
import json

from support.processes import REPOSITORY

SAMPLES = REPOSITORY / "samples"

# File, what clients call its type, and pieces of its text in the order in which they must come.
DOCUMENTS = {
    "millrace-handbook.pdf": ("pdf", ["The Millrace Handbook", "Opening the gate", "Closing"]),
    "river-report.docx": ("docx", ["The River Year", "Why we measure", "Closing words"]),
    "mill-talk.pptx": ("pptx", ["How a mill thinks", "Reading the water", "磨坊在河边"]),
    "grain-prices.html": ("html", ["Grain prices of the", "Rye is dry enough", "小麦价格保持不变"]),
    "letter.txt": ("text", ["To the miller at Stone Ford", "Ο μύλος στην όχθη", "upper weir"]),
    "notes.md": ("text", ["# Notes of a miller", "## Before dawn", "sluice --open 20cm"]),
}

# Documents that other implementations were measured with. They are not part of this repository:
# tests that need them are skipped where they are not beside it.
REFERENCE = REPOSITORY.parent / "shared"
REFERENCE_SAMPLES = REFERENCE / "samples"
REFERENCE_RESULTS = REFERENCE / "spec" / "expectations.json"
has_reference = REFERENCE_RESULTS.exists() and REFERENCE_SAMPLES.exists()


def sample(name):
    path = SAMPLES / name
    assert path.is_file(), f"{name} is missing in samples/"
    return path


@functools.cache
def reference_results():
    return json.loads(REFERENCE_RESULTS.read_text(encoding="utf-8"))


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def assert_in_order(text, pieces):
    position = 0
    for piece in pieces:
        found = text.find(piece, position)
        assert found >= 0, f"{piece!r} is not in the text after position {position}"
        position = found + len(piece)


def pdf(trailer=""):
    """A PDF of one empty page, as bytes. `trailer` goes into its trailer dictionary."""
    return (
        "%PDF-1.4\n"
        "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\n"
        f"trailer<</Root 1 0 R/Size 4 {trailer}>>\n"
        "%%EOF\n"
    ).encode()


def encrypted_pdf():
    """A PDF that needs a password which nobody knows."""
    return pdf(
        "/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4"
        f"/O<{'11' * 32}>/U<{'22' * 32}>>>"
    )
