"""The child's side of remote.ts: calls as lines of JSON on stdin, answers as lines on stdout."""

import json
import logging
import os
import sys

logging.disable(logging.CRITICAL)


def answer(call_id, result):
    print(json.dumps({"id": call_id, "result": result}), flush=True)


def serve_calls(handlers):
    """Answers one call after the other until the parent closes the pipe, then ends at once."""
    for line in sys.stdin:
        call = json.loads(line)
        try:
            method = call["method"]
            result = True if method == "ready" else handlers[method](**call["params"])
            answer(call["id"], result)
        except Exception as error:
            print(json.dumps({"id": call["id"], "error": repr(error)}), flush=True)
    # Threads may hang in retries of a client; nothing waits for them.
    os._exit(0)
