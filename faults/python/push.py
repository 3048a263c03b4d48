"""Pushes with nv-ingest's unmodified client from many threads, and tells what it was told is stored.

Usage: push.py PORT THREADS COUNT QUEUE JOB_QUEUE. Every second push is a job. Prints one line of JSON.
"""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient

logging.disable(logging.CRITICAL)


def main():
    port, threads, count = (int(argument) for argument in sys.argv[1:4])
    queue, job_queue = sys.argv[4:6]
    client = SimpleClient("127.0.0.1", port)

    def push(number):
        is_job = number % 2 == 1
        text = json.dumps({"job_id": "None", "name": f"m{number}"}) if is_job else f"m{number}"
        response = client.submit_message(
            job_queue if is_job else queue, text, for_nv_ingest=is_job
        )
        return [number, response.response_code, response.transaction_id, response.response_reason]

    with ThreadPoolExecutor(threads) as pool:
        pushes = list(pool.map(push, range(count)))
    print(json.dumps({"event": "done", "pushes": pushes}), flush=True)


main()
