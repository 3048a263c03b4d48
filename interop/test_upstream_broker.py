"""Goal: our client, source, pipeline and sink work with upstream's own Python broker, so parts can
be replaced one at a time.

Method: upstream's broker in a Python process, our parts in a Node process, upstream's client in
this one. The client's script runs against our broker too: it must see the same there.
"""

import json

from nv_ingest_client.primitives import JobSpec
from support.documents import DOCUMENTS, assert_in_order, sample
from support.jobs import (
    job_for_file,
    nv_ingest_client,
    source_name,
    submit_and_fetch,
    texts,
)
from support.processes import (
    millrace_pipeline,
    node_script,
    run_node_script,
    upstream_broker,
)


def test_our_client_sees_at_upstreams_broker_what_it_sees_at_ours(upstream, queue_name):
    assert_our_client_is_served(upstream, queue_name)


def test_our_client_sees_the_same_at_our_broker(broker, queue_name):
    assert_our_client_is_served(broker, queue_name)


def assert_our_client_is_served(address, queue_name):
    seen = run_node_script("simple-client.mjs", address.host, address.port, queue_name)
    job = json.loads(seen.pop("job"))
    assert job == {"job_id": seen.pop("jobId"), "n": 12345678901234567890}
    assert seen.pop("inOrder") == seen.pop("sentInOrder")
    assert seen == {
        "empty": None,
        "sizeOfThree": 3,
        "deliveries": ["first", "second"],
        "sizeWhileInWork": 0,
        "afterRelease": "first",
        "late": "late",
        "largeIsEqual": True,
        "manyAtOnceAreAllThere": True,
        "cancelledWith": "enough",
        "afterCancelling": "not taken by the cancelled call",
        "sizeAtTheEnd": 0,
    }


def text_job(name, text):
    return JobSpec(document_type="text", payload=text, source_id=name, source_name=name)


def test_our_pipeline_works_off_jobs_of_upstreams_broker_for_upstreams_client():
    names = [f"letter-{number}.txt" for number in range(6)]
    with upstream_broker() as address, node_script("noop-pipeline.mjs", address.host, address.port):
        client = nv_ingest_client(address)
        specs = [text_job(name, f"text of {name}") for name in names]
        results, failures = submit_and_fetch(client, specs)
    assert failures == []
    assert {source_name(rows): texts(rows) for rows in results} == {
        name: [f"text of {name} (signed)"] for name in names
    }


def test_jobs_that_wait_at_upstreams_broker_are_worked_off_when_our_pipeline_comes(connect):
    with upstream_broker() as address:
        client = nv_ingest_client(address)
        job = client.add_job(text_job("early.txt", "early"))
        client.submit_job(job, "ingest_task_queue")
        assert connect(address).size("ingest_task_queue").response == "1"
        with node_script("noop-pipeline.mjs", address.host, address.port):
            (rows,) = client.fetch_job_result(job, timeout=60, max_retries=1)
        assert texts(rows) == ["early (signed)"]
        assert connect(address).size("ingest_task_queue").response == "0"


def test_millrace_pipeline_gives_documents_to_clients_of_upstreams_broker():
    with upstream_broker() as address, millrace_pipeline(address):
        specs = [job_for_file(sample(name), kind) for name, (kind, _) in DOCUMENTS.items()]
        results, failures = submit_and_fetch(nv_ingest_client(address), specs)
    assert failures == []
    assert len(results) == len(DOCUMENTS)
    for rows in results:
        _, pieces = DOCUMENTS[source_name(rows).rpartition("/")[2]]
        assert_in_order("\n".join(texts(rows)), pieces)


def test_millrace_broker_and_pipeline_in_two_processes_serve_upstreams_client(broker):
    with millrace_pipeline(broker):
        spec = job_for_file(sample("millrace-handbook.pdf"), "pdf")
        results, failures = submit_and_fetch(nv_ingest_client(broker), [spec])
    assert failures == []
    assert_in_order("\n".join(texts(results[0])), DOCUMENTS["millrace-handbook.pdf"][1])
