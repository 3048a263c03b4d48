"""Goal: upstream's service can have Millrace as its pipeline: what it pushes into Redis is worked off,
and the results are fetched in all its ways.

Method: upstream's RedisClient pushes jobs as the service does and fetches results in each mode, from a
real Redis at which `millrace pipeline` works.
"""

import json

import pytest
from nv_ingest_api.util.service_clients.client_base import FetchMode
from support.documents import DOCUMENTS, assert_in_order, sample
from support.jobs import (
    QUEUE,
    assert_valid_metadata,
    extract_task,
    job_for_bytes,
    job_for_file,
    texts,
)
from support.processes import millrace_pipeline
from support.redis_server import (
    HINTS,
    RESULT_SECONDS,
    redis_client,
    redis_client_in,
    redis_server,
    service_job,
    submit,
)

FETCH_SECONDS = 60
# Shorter than two pages of the handbook, longer than any one.
FRAGMENT_BYTES = 3_000
HANDBOOK = "millrace-handbook.pdf"
HANDBOOK_PAGES = 6


@pytest.fixture(params=list(FetchMode))
def mode(request):
    return request.param


@pytest.fixture
def client(redis_worker, mode, tmp_path):
    return redis_client_in(mode, redis_worker, tmp_path)


def submit_file(client, name, kind, *, hint=None, **options):
    return submit(client, service_job(job_for_file(sample(name), kind, **options), hint=hint))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_text_of_a_document_comes_back_in_each_mode(client, mode, name):
    kind, pieces = DOCUMENTS[name]
    result = client.fetch_message(submit_file(client, name, kind), FETCH_SECONDS)
    assert result["status"] == "success"
    assert_in_order("\n".join(texts(result["data"])), pieces)
    for row in result["data"]:
        assert set(row) == {"document_type", "metadata"}
        assert_valid_metadata(row["metadata"])
    assert any(key.startswith("trace::entry::") for key in result["trace"])
    assert isinstance(result["annotations"], dict)
    # What was joined has no numbers of fragments any more, what was handed on as it is has them.
    numbers = {"fragment": 0, "fragment_count": 1}
    joined = mode is FetchMode.NON_DESTRUCTIVE
    assert {key: result[key] for key in numbers if key in result} == ({} if joined else numbers)


def test_what_a_fetch_leaves_behind_is_what_its_mode_says(client, mode):
    job_id = submit_file(client, "letter.txt", "text")
    first = client.fetch_message(job_id, FETCH_SECONDS)
    left = client.get_client().llen(job_id)
    if mode is FetchMode.NON_DESTRUCTIVE:
        assert left == 1
        assert client.fetch_message(job_id, FETCH_SECONDS) == first
        assert client.get_client().ttl(job_id) > RESULT_SECONDS / 2
    else:
        assert left == 0
    if mode is FetchMode.CACHE_BEFORE_DELETE:
        assert client.fetch_message(job_id, FETCH_SECONDS) == first
    if mode is not FetchMode.NON_DESTRUCTIVE:
        with pytest.raises(TimeoutError):
            client.fetch_message(job_id, 1)


def test_a_failed_job_is_answered_in_each_mode(client, mode):
    spec = job_for_bytes("broken.pdf", "pdf", b"%PDF-1.7\nthe rest", tasks=[extract_task("pdf")])
    result = client.fetch_message(submit(client, service_job(spec)), FETCH_SECONDS)
    assert result["status"] == "failed"
    # Where upstream joins, no rows are an empty list.
    assert result["data"] == ([] if mode is FetchMode.NON_DESTRUCTIVE else None)
    notes = result["annotations"].values()
    failed = [note["source_id"] for note in notes if note.get("task_result") == "FAILURE"]
    assert failed == ["pdf_extractor"]


def test_a_job_that_is_none_is_answered_in_each_mode(client):
    """Upstream's own pipeline drops it, and its client asks until it is tired."""
    job = service_job(job_for_file(sample("letter.txt"), "text"))
    job["tasks"] = "none"
    result = client.fetch_message(submit(client, job), FETCH_SECONDS)
    assert result["status"] == "failed"


@pytest.mark.parametrize("hint", [None, *HINTS])
def test_jobs_of_each_queue_of_the_service_are_worked_off(redis_worker, hint):
    client = redis_client(redis_worker)
    job_id = submit_file(client, "letter.txt", "text", hint=hint)
    result = client.fetch_message(job_id, FETCH_SECONDS)
    assert texts(result["data"]) == [sample("letter.txt").read_text(encoding="utf-8")]


def test_jobs_that_waited_before_the_worker_came_are_worked_off(redis_address_alone):
    client = redis_client(redis_address_alone)
    ids = [submit_file(client, "letter.txt", "text", hint=hint) for hint in HINTS]
    with millrace_pipeline(redis_address_alone, scheme="redis"):
        for job_id in ids:
            assert client.fetch_message(job_id, FETCH_SECONDS)["status"] == "success"
    assert client.get_client().llen(QUEUE) == 0


@pytest.fixture
def redis_address_alone(redis_address):
    """A Redis at which nobody works. The common one is asked for what is left out without it."""
    with redis_server() as address:
        yield address


@pytest.fixture(scope="module")
def splitting_worker(redis_address):
    """A worker that splits what others would not, at a Redis of its own."""
    options = ["--max-fragment-bytes", str(FRAGMENT_BYTES)]
    with redis_server() as address, millrace_pipeline(address, *options, scheme="redis"):
        yield address


def handbook_pages(client):
    """The id of a job whose result is in several fragments."""
    return submit_file(client, HANDBOOK, "pdf", text_depth="page")


def test_a_result_in_fragments_is_joined_in_each_mode(splitting_worker, mode, tmp_path):
    client = redis_client_in(mode, splitting_worker, tmp_path)
    result = client.fetch_message(handbook_pages(client), FETCH_SECONDS)
    assert result["status"] == "success"
    assert "fragment" not in result
    places = [row["metadata"]["content_metadata"] for row in result["data"]]
    assert [place["page_number"] for place in places] == list(range(1, HANDBOOK_PAGES + 1))
    assert_in_order("\n".join(texts(result["data"])), DOCUMENTS[HANDBOOK][1])
    assert any(key.startswith("trace::entry::") for key in result["trace"])


def test_fragments_lie_in_redis_as_upstreams_sink_lays_them(splitting_worker):
    client = redis_client(splitting_worker, fetch_mode=FetchMode.NON_DESTRUCTIVE)
    job_id = handbook_pages(client)
    joined = client.fetch_message(job_id, FETCH_SECONDS)
    fragments = [json.loads(each) for each in client.get_client().lrange(job_id, 0, -1)]
    assert len(fragments) > 1
    assert [each["fragment"] for each in fragments] == list(range(len(fragments)))
    assert {each["fragment_count"] for each in fragments} == {len(fragments)}
    assert [row for each in fragments for row in each["data"]] == joined["data"]
    first, *others = fragments
    told_once = {"trace", "annotations"}
    assert told_once <= first.keys()
    for each in others:
        assert not told_once & each.keys()
        assert (each["status"], each["description"]) == (first["status"], first["description"])
    assert max(bytes_of(each["data"]) for each in fragments) <= FRAGMENT_BYTES


def bytes_of(rows):
    return len(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def test_a_result_that_fits_is_one_fragment(splitting_worker):
    client = redis_client(splitting_worker)
    result = client.fetch_message(submit_file(client, "letter.txt", "text"), FETCH_SECONDS)
    assert (result["fragment"], result["fragment_count"]) == (0, 1)
