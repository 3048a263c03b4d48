"""Goal: what our broker has said to be stored is there after kill -9, once, and each accepted job
gets one answer, with clients that know nothing of all this.

Method: unmodified clients in threads and processes of their own; the broker is killed and started
again on its folder; a relay resets both sides in the middle of the final response.
"""

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.jobs import QUEUE, job_for_bytes, nv_ingest_client
from support.processes import millrace, millrace_once, millrace_to_kill
from support.relay import Relay

SEED = 20_261_124
THREADS = 64
LEASE_SECONDS = 2
JOB = {"job_id": "None", "tasks": [], "text": "Grüße 🌾"}

# Pops one message with nv-ingest's client, which acknowledges it at once, tells its id and is gone.
DYING_CONSUMER = """
import json, os, sys
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient
message = SimpleClient(sys.argv[1], int(sys.argv[2])).fetch_message(sys.argv[3], (30, None))
print(json.loads(message.response)["job_id"], flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


def push(client, queue, message, **options):
    response = client.submit_message(queue, message, (60, None), **options)
    assert (response.response_code, response.response) == (0, "Data stored.")
    return response.transaction_id


def pop(client, queue, seconds=30):
    response = client.fetch_message(queue, (seconds, None))
    assert response.response_code == 0, response.response_reason
    return response.response


def consume_and_die(address, queue):
    """A consumer that takes a job and is killed. Returns the job's id."""
    command = [sys.executable, "-c", DYING_CONSUMER, address.host, str(address.port), queue]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr[-4000:]
    return done.stdout.strip()


def result_of(text):
    return json.dumps({"status": "success", "description": text, "data": []})


def test_messages_and_jobs_survive_kill_9_in_their_order(connect, queue_name, data_dir):
    texts = [f"message {number} 🌾" for number in range(200)]
    with millrace_to_kill("broker", data_dir=data_dir) as address:
        client = connect(address)
        for text in texts:
            push(client, queue_name, text)
        job_id = push(client, QUEUE, json.dumps(JOB), for_nv_ingest=True)
        assert [pop(client, queue_name) for _ in texts[:50]] == texts[:50]
    with millrace_to_kill("broker", data_dir=data_dir) as address:
        client = connect(address)
        assert client.size(queue_name).response == "150"
        assert [pop(client, queue_name) for _ in texts[50:]] == texts[50:]
        assert json.loads(pop(client, QUEUE)) == {**JOB, "job_id": job_id}
        push(client, job_id, result_of("done"))
    with millrace("broker", data_dir=data_dir) as address:
        client = connect(address)
        assert client.size(queue_name).response == "0"
        assert client.size(QUEUE).response == "0"
        assert json.loads(pop(client, job_id))["description"] == "done"


@pytest.mark.parametrize("for_nv_ingest", [False, True])
def test_a_push_whose_final_response_was_lost_is_repeated_and_stored_once(
    connect, queue_name, for_nv_ingest
):
    def text(number):
        return json.dumps({**JOB, "number": number})

    chance = random.Random(SEED)
    met = set()

    def bytes_of_final(exchange):
        message = exchange.request["message"]
        if message in met:
            return None
        met.add(message)
        # The whole of it has a few bytes more than this.
        return chance.randrange(100)

    each = 3
    count = THREADS * each
    with millrace("broker") as address:
        with (
            Relay(address, bytes_of_final=bytes_of_final) as relay,
            ThreadPoolExecutor(THREADS) as threads,
        ):

            def produce(first):
                client = connect(relay)
                return [
                    push(client, queue_name, text(number), for_nv_ingest=for_nv_ingest)
                    for number in range(first, first + each)
                ]

            producing = [threads.submit(produce, each * n) for n in range(THREADS)]
            told = [job_id for done in producing for job_id in done.result(90)]
        tries = {}
        for exchange in relay.exchanges:
            tries.setdefault(exchange.request["message"], []).append(exchange.transaction_id)
        assert len(tries) == count
        # Each was pushed twice, under the same transaction, so that the job's id stays.
        assert {len(ids) for ids in tries.values()} == {2}
        assert {len(set(ids)) for ids in tries.values()} == {1}
        client = connect(address)
        assert client.size(queue_name).response == str(count)
        stored = [json.loads(pop(client, queue_name)) for _ in range(count)]
    assert sorted(each["number"] for each in stored) == list(range(count))
    if for_nv_ingest:
        assert sorted(each["job_id"] for each in stored) == sorted(told)


def test_a_push_that_a_killed_broker_left_unanswered_is_stored_once(
    connect, queue_name, data_dir
):
    def nothing_for_the_unlucky(exchange):
        return 0 if exchange.request["message"] == "unlucky" else None

    with (
        millrace_to_kill("broker", data_dir=data_dir) as address,
        Relay(address, bytes_of_final=nothing_for_the_unlucky) as relay,
    ):
        client = connect(relay)
        gave_up = client.submit_message(queue_name, "unlucky", (1, None))
        assert gave_up.response_reason == "PUSH operation timed out."
        push(client, queue_name, "lucky")
    first, *others = [exchange.transaction_id for exchange in relay.exchanges[:-1]]
    assert set(others) <= {first}
    with millrace("broker", data_dir=data_dir) as address:
        client = connect(address)
        assert push(client, queue_name, "unlucky") == first
        assert [pop(client, queue_name) for _ in range(2)] == ["unlucky", "lucky"]
        assert client.size(queue_name).response == "0"


def test_two_honest_equal_pushes_stay_two(connect, queue_name, broker):
    client = connect(broker)
    assert push(client, queue_name, "equal") != push(client, queue_name, "equal")
    assert client.size(queue_name).response == "2"


def on_result(queue):
    return (
        "--queues",
        json.dumps({queue: {"settle": "on-result"}}),
        "--result-lease-ms",
        str(LEASE_SECONDS * 1000),
    )


def test_a_job_comes_again_when_its_consumer_dies_after_the_acknowledgement(connect, queue_name):
    with millrace("broker", *on_result(queue_name)) as address:
        client = connect(address)
        job_id = push(client, queue_name, json.dumps(JOB), for_nv_ingest=True)
        assert consume_and_die(address, queue_name) == job_id
        # Nobody but the end of the lease brings it back, and the POP is held until then.
        assert json.loads(pop(client, queue_name)) == {**JOB, "job_id": job_id}
        push(client, job_id, result_of("by the second worker"))
        assert json.loads(pop(client, job_id))["description"] == "by the second worker"
        gone = client.fetch_message(queue_name, (LEASE_SECONDS + 2, None))
        assert gone.response_code == 2


def test_a_job_that_kills_its_consumers_is_answered_as_failed(connect, queue_name):
    limit = ("--max-deliveries", "2")
    with millrace("broker", *on_result(queue_name), *limit) as address:
        client = connect(address)
        job_id = push(client, queue_name, json.dumps(JOB), for_nv_ingest=True)
        for _ in range(2):
            assert consume_and_die(address, queue_name) == job_id
        assert json.loads(pop(client, job_id))["status"] == "failed"
        assert client.size(queue_name).response == "0"


def test_a_result_can_be_fetched_twice(connect, queue_name, data_dir):
    with millrace_to_kill("broker", data_dir=data_dir) as address:
        client = connect(address)
        job_id = push(client, queue_name, json.dumps(JOB), for_nv_ingest=True)
        pop(client, queue_name)
        push(client, job_id, result_of("kept"))
        assert [pop(client, job_id) for _ in range(2)] == [result_of("kept")] * 2
    with millrace("broker", data_dir=data_dir) as address:
        assert pop(connect(address), job_id) == result_of("kept")


@pytest.mark.parametrize("is_in_work", [False, True])
def test_a_cancelled_job_is_a_failure_with_the_annotation(connect, is_in_work):
    with millrace("broker") as address:
        client = nv_ingest_client(address)
        index = client.add_job(job_for_bytes("letter.txt", "text", b"a letter"))
        client.submit_job([index], QUEUE)
        # The client tells nobody the id that its job has at the broker.
        (state,) = client._job_states.values()
        job_id = state.job_id
        if is_in_work:
            assert json.loads(pop(connect(address), QUEUE))["job_id"] == job_id
        url = f"simple://{address.host}:{address.port}"
        assert millrace_once("cancel", job_id, "--broker", url)["outcome"] == "cancelled"
        results, failures = client.fetch_job_result(
            [index], timeout=30, max_retries=1, return_failures=True
        )
        assert results == []
        ((source_id, annotations),) = failures
        assert source_id == "letter.txt"
        (note,) = annotations.values()
        assert (note["task_id"], note["task_result"]) == ("cancelled", "FAILURE")
