"""Real processes: the ones under test, started on free ports and always ended.

A process tells on its standard output that it is ready. Waiting reads that line; nothing here
sleeps or polls.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

INTEROP = Path(__file__).resolve().parent.parent
REPOSITORY = INTEROP.parent
MILLRACE = REPOSITORY / "dist" / "cli" / "main.js"

START_SECONDS = 60
STOP_SECONDS = 15


@dataclass(frozen=True)
class Address:
    """Where a broker listens, and the process behind it."""

    host: str
    port: int
    process: subprocess.Popen


@contextlib.contextmanager
def running(command, *, cwd=None, ends_with=0):
    """Runs `command` and yields (process, first line of its standard output that is a JSON object).

    The process gets SIGTERM at the end and must leave by itself with code 0; one that does not is
    a failure. A test that kills its process says so with `ends_with`. The log goes to a file that
    is shown only when the process did not start or stop as it should.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            cwd=cwd,
        )
        try:
            yield process, _ready_line(process, command, log)
            code = _stop(process)
            assert code == ends_with, f"{_name(command)} ended with {code}:\n{_tail(log)}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()


def _ready_line(process, command, log):
    ready = queue.Queue(maxsize=1)

    def read():
        told = False
        # To the end of the stream, so that a talkative process is never blocked by a full pipe.
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                with contextlib.suppress(json.JSONDecodeError):
                    value = json.loads(line)
                    if not told and isinstance(value, dict):
                        ready.put(value)
                        told = True
        if not told:
            ready.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        value = ready.get(timeout=START_SECONDS)
    except queue.Empty:
        value = None
    if value is None:
        raise AssertionError(f"{_name(command)} did not get ready:\n{_tail(log)}")
    return value


def _stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return f"nothing: it was still there {STOP_SECONDS} s after SIGTERM"


def _name(command):
    return " ".join(Path(str(part)).name for part in command[:4])


def _tail(log):
    log.flush()
    log.seek(0)
    return log.read()[-4000:]


@contextlib.contextmanager
def millrace(subcommand, *options, data_dir=None, ends_with=0):
    """A broker (`broker`) or a broker with its pipeline (`serve`) of the project's command line.

    It keeps its messages in `data_dir`, or in a folder of its own that is gone with it.
    """
    with tempfile.TemporaryDirectory(prefix="millrace-interop-") as own:
        where = ["--port", "0", "--data-dir", data_dir or own]
        command = ["node", MILLRACE, subcommand, "--json", *where, *options]
        with running(command, cwd=REPOSITORY, ends_with=ends_with) as (process, ready):
            url = urlsplit(ready["url"])
            yield Address(url.hostname, url.port, process)


@contextlib.contextmanager
def millrace_to_kill(subcommand, *options, data_dir):
    """The same, and kill -9 at the end: what it has not written down by then is lost."""
    ending = {"data_dir": data_dir, "ends_with": -signal.SIGKILL}
    with millrace(subcommand, *options, **ending) as address:
        yield address
        address.process.kill()
        address.process.wait()


def millrace_once(subcommand, *arguments, seconds=60):
    """A command of the project that ends by itself. Returns the JSON that it printed."""
    return _json_of(["node", MILLRACE, subcommand, "--json", *arguments], seconds)


@contextlib.contextmanager
def millrace_pipeline(address, *options, scheme="simple"):
    """A pipeline of the project's command line that works for a broker which runs already."""
    broker_url = f"{scheme}://{address.host}:{address.port}"
    command = ["node", MILLRACE, "pipeline", "--broker", broker_url, "--json", *options]
    with running(command, cwd=REPOSITORY) as (process, _):
        yield process


@contextlib.contextmanager
def upstream_broker(max_queue_size=10_000):
    """Upstream's own Python broker, unmodified, in a Python process of its own."""
    command = [sys.executable, INTEROP / "support" / "upstream_broker.py", max_queue_size]
    with running(command) as (process, ready):
        yield Address("127.0.0.1", ready["port"], process)


@contextlib.contextmanager
def node_script(name, *arguments):
    """A script of this folder that prints a ready line and then runs until it is stopped."""
    with running(["node", INTEROP / name, *arguments], cwd=REPOSITORY) as (process, _):
        yield process


def run_node_script(name, *arguments, seconds=60):
    """A script of this folder that ends by itself. Returns the JSON that it printed."""
    return _json_of(["node", INTEROP / name, *arguments], seconds)


def _json_of(command, seconds):
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds,
        cwd=REPOSITORY,
        check=False,
    )
    ended = f"{_name(command)} ended with {done.returncode}"
    assert done.returncode == 0, f"{ended}:\n{done.stderr[-4000:]}"
    return json.loads(done.stdout)


def installed_command(name):
    """A command that pip put beside the Python that runs this test."""
    return Path(sys.executable).parent / name


def quiet_environment(**more):
    """This environment without anything that would change a client's way of working."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("NV_INGEST", "NVIDIA", "MESSAGE_CLIENT", "OTEL_"))
    }
    return {**kept, **more}
