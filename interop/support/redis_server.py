"""A redis-server of one's own, and what upstream's service and sink put into it.

Upstream's RedisClient is the one that talks; only the documents are made here, as upstream's service
and sink make them before they hand them to it.
"""

import contextlib
import json
import queue
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import uuid

import diskcache
from nv_ingest_api.internal.schemas.meta.ingest_job_schema import validate_ingest_job
from nv_ingest_api.util.service_clients.redis.redis_client import RedisClient

from support.jobs import QUEUE
from support.processes import REPOSITORY, START_SECONDS, Address

HOST = "127.0.0.1"
# Kills Redis and removes its folder when these tests end in whatever way.
GUARD = REPOSITORY / "test" / "helpers" / "redis-guard.sh"
# Below those that the system gives to connections, so nobody else gets one by chance.
PORTS = range(10_240, 32_000)
PORT_TRIES = 10
READY = "Ready to accept connections"

HINTS = ["immediate", "micro", "small", "medium", "large", "default"]
# What the service gives to a queue of jobs, and the sink to a result.
JOB_SECONDS = 172_800
RESULT_SECONDS = 600


def redis_absent():
    """Why there can be no Redis here, or None."""
    if shutil.which("redis-server") is not None:
        return None
    return "LEFT OUT: no redis-server on the PATH; on Debian: apt-get install redis-server"


@contextlib.contextmanager
def redis_server():
    """Redis with its data in memory, on a free port."""
    with tempfile.TemporaryDirectory(
        prefix="millrace-interop-redis-", ignore_cleanup_errors=True
    ) as folder:
        process, port = _start_on_free_port(folder)
        try:
            yield Address(HOST, port, process)
        finally:
            _end(process)


def _start_on_free_port(folder):
    for _ in range(PORT_TRIES):
        port = _free_port()
        options = {"bind": HOST, "port": port, "dir": folder, "save": "", "appendonly": "no"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        process = subprocess.Popen(
            ["sh", GUARD, folder, "redis-server", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        log = _log_until_ready(process)
        if log and READY in log[-1]:
            return process, port
        _end(process)
        if not any("Address already in use" in line for line in log):
            raise AssertionError("redis-server did not get ready:\n" + "\n".join(log))
    raise AssertionError(f"no free port in {PORT_TRIES} tries")


def _log_until_ready(process):
    """The lines up to the one that says it is ready, or all of one that ended or said nothing."""
    lines = queue.Queue()

    def read():
        # To the end of the stream, so that Redis is never blocked by a full pipe.
        with contextlib.suppress(ValueError):
            for line in process.stdout:
                lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    log = []
    with contextlib.suppress(queue.Empty):
        while (line := lines.get(timeout=START_SECONDS)) is not None:
            log.append(line)
            if READY in line:
                break
    return log


def _free_port():
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def _end(process):
    process.stdin.close()
    process.wait()
    process.stdout.close()


def redis_client(address, **options):
    """Upstream's client, with its own defaults."""
    return RedisClient(address.host, address.port, **options)


def redis_client_in(mode, address, directory):
    """The same in a mode of fetching, with its cache in this directory.

    It takes a cache in which nothing lies for none, and refuses to fetch, so something lies there.
    """
    with diskcache.Cache(directory) as cache:
        cache.set("other", True)
    return redis_client(address, fetch_mode=mode, cache_config={"directory": directory})


def service_job(spec, *, hint=None):
    """The job and its id as upstream's service pushes it: checked, filled up, with an id."""
    job = spec.to_dict()
    job["tracing_options"].setdefault("ts_send", time.time_ns())
    for task, checked in zip(job["tasks"], validate_ingest_job(job).tasks, strict=True):
        task["task_properties"] = checked.task_properties.model_dump(mode="json")
    if hint is not None:
        job["routing_options"] = {"queue_hint": hint}
    job["job_id"] = str(uuid.uuid4())
    job["tracing_options"]["trace_id"] = str(random.getrandbits(127))
    return job


def submit(client, job, *, base_queue=QUEUE):
    """Puts a job where upstream's service puts it. Returns its id, which names its result."""
    hint = (job.get("routing_options") or {}).get("queue_hint")
    name = sub_queue(base_queue, hint)
    client.submit_message(name, json.dumps(job), ttl_seconds=JOB_SECONDS)
    return job["job_id"]


def sub_queue(base_queue, hint):
    return base_queue if hint in (None, "default") else f"{base_queue}_{hint}"


def sink_fragments(parts):
    """The fragments of a result with these lists of rows, as upstream's sink makes them."""
    first = {"trace": {"trace::entry::x": 1.0}, "annotations": {}}
    return [
        {
            "status": "success",
            "description": "Successfully processed the message.",
            "data": rows,
            "fragment": number,
            "fragment_count": len(parts),
            **(first if number == 0 else {}),
        }
        for number, rows in enumerate(parts)
    ]


def push_result(client, job_id, fragments):
    for fragment in fragments:
        client.submit_message(job_id, json.dumps(fragment), ttl_seconds=RESULT_SECONDS)
