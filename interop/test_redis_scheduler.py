"""Goal: what Millrace's client submits is found by the scheduler of upstream's pipeline, and what that
pipeline answers is found by Millrace's client.

Method: upstream's QosScheduler takes jobs from a real Redis with upstream's RedisClient. Jobs are pushed
by our client and, for comparison, as upstream's service pushes them; both must be found alike. Results
are pushed as upstream's sink pushes them, and fetched by our client and by upstream's.
"""

import uuid

import pytest
from nv_ingest_api.internal.schemas.meta.ingest_job_schema import validate_ingest_job
from nv_ingest_api.util.service_clients.client_base import FetchMode
from support.jobs import job_for_bytes
from support.processes import run_node_script
from support.redis_server import (
    HINTS,
    JOB_SECONDS,
    push_result,
    redis_client,
    redis_client_in,
    service_job,
    sink_fragments,
    sub_queue,
    submit,
)

qos_scheduler = pytest.importorskip(
    "nv_ingest_api.util.message_brokers.qos_scheduler",
    reason="this version has no scheduler",
    exc_type=ModuleNotFoundError,
)

STRATEGIES = ["lottery", "round_robin", "weighted_round_robin"]
# In which the fixed strategies take one job of each queue, behind the one that is immediate.
ONE_OF_EACH = {
    "round_robin": ["micro", "small", "large", "medium", "default"],
    "weighted_round_robin": ["micro", "small", "large", "medium", "default"],
}


def submit_as_service(address, base_queue, hints):
    client = redis_client(address)
    spec = job_for_bytes("letter.txt", "text", b"a letter")
    return [
        submit(client, service_job(spec, hint=hint), base_queue=base_queue) for hint in hints
    ]


def submit_with_ours(address, base_queue, hints):
    where = ["submit", address.host, address.port, base_queue]
    return run_node_script("redis-client.mjs", *where, *hints)["ids"]


@pytest.fixture(params=[submit_as_service, submit_with_ours])
def submit_all(request, redis_address, queue_name):
    """Submits a job for each hint. Returns their ids."""
    return lambda hints: request.param(redis_address, queue_name, hints)


def drain(client, scheduler):
    jobs = []
    while (job := scheduler.fetch_next(client, timeout=0)) is not None:
        jobs.append(job)
    return jobs


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_scheduler_finds_the_jobs_of_all_queues(redis_address, queue_name, submit_all, strategy):
    hints = [*HINTS[1:], HINTS[0]]
    ids = submit_all(hints)
    hint_of = dict(zip(ids, hints, strict=True))
    client = redis_client(redis_address)
    with qos_scheduler.QosScheduler(queue_name, strategy=strategy) as scheduler:
        jobs = drain(client, scheduler)
    for job in jobs:
        validate_ingest_job(job)
    taken = [hint_of[job["job_id"]] for job in jobs]
    assert taken[0] == "immediate"
    assert sorted(taken) == sorted(hints)
    assert taken[1:] == ONE_OF_EACH.get(strategy, taken[1:])


@pytest.mark.parametrize("hint", HINTS)
def test_jobs_of_one_queue_are_taken_in_the_order_in_which_they_came(
    redis_address, queue_name, submit_all, hint
):
    ids = submit_all([hint] * 5)
    client = redis_client(redis_address)
    assert client.get_client().llen(sub_queue(queue_name, hint)) == len(ids)
    jobs = drain(client, qos_scheduler.QosScheduler(queue_name))
    assert [job["job_id"] for job in jobs] == ids


def test_the_simple_strategy_finds_jobs_without_a_hint(redis_address, queue_name):
    (job_id,) = submit_with_ours(redis_address, queue_name, ["none"])
    scheduler = qos_scheduler.QosScheduler(queue_name, strategy="simple")
    assert scheduler.fetch_next(redis_client(redis_address))["job_id"] == job_id


def test_a_push_of_the_service_gives_its_queue_an_end_as_recorded(redis_address, queue_name):
    """The stand-in for the service does what the service was seen to do."""
    client = redis_client(redis_address)
    with client.get_client().monitor() as monitor:
        commands = monitor.listen()
        submit(client, service_job(job_for_bytes("a.txt", "text", b"a")), base_queue=queue_name)
        # A new connection introduces itself first.
        seen = [next(commands)["command"].split(" ")]
        while seen[-1][0] != "EXEC":
            seen.append(next(commands)["command"].split(" "))
    names = [words[0] for words in seen]
    assert names[names.index("MULTI") :] == ["MULTI", "RPUSH", "EXPIRE", "EXEC"]
    assert seen[-2][1:] == [queue_name, str(JOB_SECONDS)]


ROWS = [{"document_type": "text", "metadata": {"content": str(number)}} for number in range(3)]


@pytest.mark.parametrize("parts", [[ROWS], [ROWS[:1], ROWS[1:]], [[], *([row] for row in ROWS)]])
def test_our_client_gets_what_upstreams_client_gets_of_the_sinks_results(redis_address, parts):
    client = redis_client(redis_address, fetch_mode=FetchMode.NON_DESTRUCTIVE)
    job_id = str(uuid.uuid4())
    push_result(client, job_id, sink_fragments(parts))
    expected = client.fetch_message(job_id)
    assert expected["data"] == ROWS
    where = ["fetch", redis_address.host, redis_address.port]
    (seen,) = run_node_script("redis-client.mjs", *where, job_id)["results"]
    assert {key: seen[key] for key in expected} == expected


@pytest.mark.parametrize("mode", list(FetchMode))
@pytest.mark.parametrize("parts", [[ROWS], [ROWS[:1], ROWS[1:]]])
def test_upstreams_client_joins_what_its_sink_pushed(redis_address, tmp_path, mode, parts):
    """The stand-in for the sink does what the client expects of the sink."""
    client = redis_client_in(mode, redis_address, tmp_path)
    job_id = str(uuid.uuid4())
    push_result(client, job_id, sink_fragments(parts))
    result = client.fetch_message(job_id)
    assert (result["status"], result["data"]) == ("success", ROWS)
    is_kept = mode is FetchMode.NON_DESTRUCTIVE
    assert client.get_client().llen(job_id) == (len(parts) if is_kept else 0)


def test_a_job_of_ours_goes_through_the_hands_of_upstream(redis_address, queue_name):
    """Submitted by our client, taken by the scheduler, answered as the sink does, fetched by ours."""
    (job_id,) = submit_with_ours(redis_address, queue_name, ["micro"])
    client = redis_client(redis_address)
    job = qos_scheduler.QosScheduler(queue_name).fetch_next(client)
    push_result(client, job["job_id"], sink_fragments([ROWS[:2], ROWS[2:]]))
    where = ["fetch", redis_address.host, redis_address.port]
    (seen,) = run_node_script("redis-client.mjs", *where, job_id)["results"]
    assert (seen["status"], seen["data"]) == ("success", ROWS)
