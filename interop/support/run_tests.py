"""Runs pytest with this interpreter, ends it when it hangs, and writes what it counted to a file.

Usage: run_tests.py COUNTS [arguments of pytest]. The file gets "<passed> <failed>"; a run that
crashed, hung or had no test counts as one failure.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

LIMIT_SECONDS = 270


def main():
    counts = Path(sys.argv[1]).resolve()
    report = counts.with_name("report.xml")
    report.unlink(missing_ok=True)
    code = run_pytest([f"--junitxml={report}", *sys.argv[2:]])
    passed, failed = count(report)
    if code != 0 and failed == 0:
        failed = 1
    counts.write_text(f"{passed} {failed}\n", encoding="utf-8")
    return 0 if failed == 0 else 1


def run_pytest(arguments):
    """The exit code. A group of its own, so that what the tests started is ended with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        start_new_session=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        return process.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"the tests did not end within {LIMIT_SECONDS} s", file=sys.stderr)
        return 1
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def count(report):
    """(passed, failed) of a JUnit report; skipped tests are neither."""
    if not report.exists():
        return 0, 0
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case for case in cases if holds(case, "failure") or holds(case, "error")]
    skipped = [case for case in cases if holds(case, "skipped")]
    return len(cases) - len(failed) - len(skipped), len(failed)


def holds(case, tag):
    return case.find(tag) is not None


sys.exit(main())
