"""Source, no-op pipeline and sink around the original's client, with the waits of the original.

The original's source fetches for up to 100 s with a back-off of 1, 2, 4 s up to 5 s while its queue
is empty, opens the job, and its sink submits the result to the queue named by the job's id.
"""

import json
import threading

from calls import serve_calls
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient


def result_of(job):
    payload = job["job_payload"]
    rows = [
        {"document_type": kind, "metadata": {"content": content, "source_metadata": {"source_name": name}}}
        for kind, content, name in zip(
            payload["document_type"], payload["content"], payload["source_name"]
        )
    ]
    return {"status": "success", "description": "", "data": rows, "fragment": 0, "fragment_count": 1}


def carry(port, task_queue):
    client = SimpleClient("127.0.0.1", port, max_retries=5, max_backoff=5, connection_timeout=30)
    while True:
        fetched = client.fetch_message(task_queue, timeout=(100, None))
        if fetched.response_code != 0:
            continue
        job = json.loads(fetched.response)
        client.submit_message(job["job_id"], json.dumps(result_of(job)))


def start(port, task_queue):
    threading.Thread(target=carry, args=(port, task_queue), daemon=True).start()


serve_calls({"start": start})
