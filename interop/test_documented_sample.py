"""Goal: what examples/python-client.md shows works as it stands there.

Method: the blocks are cut out of the page and run as processes, with the port of the server under
test and the client that is installed here, in a folder that holds the samples.
"""

import re
import shlex
import shutil
import subprocess
import sys

import pytest
from support.processes import REPOSITORY, installed_command, quiet_environment

PAGE = (REPOSITORY / "examples" / "python-client.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(REPOSITORY / "samples", tmp_path / "samples")
    (tmp_path / "out").mkdir()
    return tmp_path


def run(command, folder):
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
        env=quiet_environment(),
        check=False,
    )


def test_the_python_program_prints_the_length_of_every_row(serve, folder):
    (program,) = blocks("python")
    assert "7671" in program
    done = run([sys.executable, "-c", program.replace("7671", str(serve.port))], folder)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = done.stdout.splitlines()
    assert any(re.search(r"handbook\.pdf \d{3,} characters$", line) for line in lines), lines
    assert any(re.search(r"report\.docx \d{3,} characters$", line) for line in lines), lines
    assert lines[-1] == "0 failures"


def test_the_command_line_writes_the_document(serve, folder):
    (command,) = [block for block in blocks("sh") if "--client_type" in block]
    words = shlex.split(command.replace("\\\n", " ").replace("7671", str(serve.port)))
    done = run([installed_command("nv-ingest-cli"), *words[1:]], folder)
    assert done.returncode == 0, done.stderr[-4000:]
    (written,) = (folder / "out" / "python").rglob("*.json")
    assert "handbook" in written.name
