"""Goal: upstream's command line writes the texts of documents of all types into a directory.

Method: `nv-ingest-cli --client_type simple` as an own process with flags that all tested versions
take: absolute paths for the output (a relative one is refused by upstream's own check of its
parent), methods for DOCX and PPTX, `text` for everything that is plain text.
"""

import json
import subprocess

from support.documents import DOCUMENTS, assert_in_order, sample
from support.jobs import METHODS, TEXT_ONLY, assert_valid_metadata, texts
from support.processes import installed_command, quiet_environment

KINDS = ("pdf", "docx", "pptx", "html", "text")


def run_cli(serve, output, files, *options):
    command = [
        installed_command("nv-ingest-cli"),
        "--client_type=simple",
        f"--client_host={serve.host}",
        f"--client_port={serve.port}",
        f"--output_directory={output}",
        *(f"--doc={path}" for path in files),
        *(task_option(kind) for kind in KINDS),
        *options,
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=90,
        env=quiet_environment(PYTHONIOENCODING="utf-8"),
        check=False,
    )


def task_option(kind):
    options = {"document_type": kind, "extract_method": METHODS.get(kind, "pdfium"), **TEXT_ONLY}
    if kind in ("html", "text"):
        # 25.9.0 knows one method for HTML and none for text, and finds them by itself.
        del options["extract_method"]
    return f"--task=extract:{json.dumps(options)}"


def written_files(output):
    return sorted(path.relative_to(output).as_posix() for path in output.rglob("*.json"))


def test_the_command_line_writes_the_text_of_every_document(serve, tmp_path):
    output = tmp_path / "results"
    done = run_cli(serve, output, [sample(name) for name in DOCUMENTS])
    assert done.returncode == 0, done.stderr[-4000:]
    assert written_files(output) == sorted(f"text/{name}.metadata.json" for name in DOCUMENTS)
    for name, (_, pieces) in DOCUMENTS.items():
        file = output / "text" / f"{name}.metadata.json"
        rows = json.loads(file.read_text(encoding="utf-8"))
        for row in rows:
            assert_valid_metadata(row["metadata"])
        assert_in_order("\n".join(texts(rows)), pieces)


def test_the_command_line_tells_the_cause_of_a_failure_and_writes_the_rest(serve, tmp_path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nthe rest never arrived")
    output = tmp_path / "results"
    done = run_cli(serve, output, [broken, sample("letter.txt")])
    assert done.returncode == 0, done.stderr[-4000:]
    assert written_files(output) == ["text/letter.txt.metadata.json"]
    assert_in_order(done.stderr, ["broken.pdf", "pdf_extractor", "cannot be read"])
