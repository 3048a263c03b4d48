"""Goal: a job that fails is answered, the answer names stage and cause, and its neighbours in the
batch are not harmed.

Method: documents that no version of anything can read, alone and beside good ones, through each of
the client's interfaces.
"""

import json

import pytest
from nv_ingest_client.client import Ingestor
from support.documents import DOCUMENTS, assert_in_order, encrypted_pdf, pdf, sample
from support.jobs import (
    QUEUE,
    TEXT_ONLY,
    extract_task,
    ingest,
    job_for_bytes,
    job_for_file,
    nv_ingest_client,
    source_name,
    submit_and_fetch,
    texts,
)

BROKEN_PDF = b"%PDF-1.7\nthe rest never arrived"

FAILURES = [
    ("broken.pdf", "pdf", BROKEN_PDF, "pdf_extractor", "cannot be read"),
    ("secret.pdf", "pdf", encrypted_pdf(), "pdf_extractor", "encrypted"),
    ("broken.docx", "docx", b"PK\x03\x04 no archive", "docx_extractor", "broken"),
    ("broken.pptx", "pptx", b"PK\x03\x04 no archive", "pptx_extractor", "broken"),
    ("sheet.xlsx", "spreadsheet", b"cells", "metadata_injector", "unsupported document type"),
]


def failing_job(name, document_type, content):
    extractable = document_type in ("pdf", "docx", "pptx")
    tasks = [extract_task(document_type)] if extractable else []
    return job_for_bytes(name, document_type, content, tasks=tasks)


def failure_notes(annotations):
    return [each for each in annotations.values() if each.get("task_result") == "FAILURE"]


@pytest.mark.parametrize(("name", "kind", "content", "stage", "cause"), FAILURES)
def test_a_failed_job_names_the_stage_and_the_cause(serve, name, kind, content, stage, cause):
    job = failing_job(name, kind, content)
    results, failures = submit_and_fetch(nv_ingest_client(serve), [job])
    assert results == []
    ((source_id, annotations),) = failures
    assert source_id == name
    (note,) = failure_notes(annotations)
    assert note["source_id"] == stage
    assert stage in note["message"]
    assert cause in note["message"]


def test_a_pdf_of_the_same_making_without_the_fault_is_read(serve):
    job = job_for_bytes("good.pdf", "pdf", pdf(), tasks=[extract_task("pdf")])
    results, failures = submit_and_fetch(nv_ingest_client(serve), [job])
    assert failures == []
    assert texts(results[0]) == [""]


def test_the_other_jobs_of_a_batch_succeed(serve):
    good = {name: kind for name, (kind, _) in DOCUMENTS.items()}
    specs = [failing_job(*failure[:3]) for failure in FAILURES]
    specs += [job_for_file(sample(name), kind) for name, kind in good.items()]
    results, failures = submit_and_fetch(nv_ingest_client(serve), specs)
    assert sorted(name for name, _ in failures) == sorted(each[0] for each in FAILURES)
    assert sorted(map(source_name, results)) == sorted(str(sample(name)) for name in good)


def test_the_ingestor_returns_failures_with_their_cause_beside_the_results(serve, tmp_path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(BROKEN_PDF)
    letter = str(sample("letter.txt"))
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve))
        .files([str(broken), letter, str(sample("millrace-handbook.pdf"))])
        .extract(**TEXT_ONLY)
    )
    ((job, description),) = failures
    assert str(broken) in job
    assert_in_order(description, ["failed", "pdf_extractor", "cannot be read"])
    assert sorted(map(source_name, results)) == sorted(
        [letter, str(sample("millrace-handbook.pdf"))]
    )


BAD_JOBS = [
    ({"job_id": "None"}, "job_payload"),
    ({"job_payload": {}, "tasks": []}, "job_payload"),
    (
        {
            "job_payload": {
                "content": ["a", "b"],
                "source_name": ["a"],
                "source_id": ["a"],
                "document_type": ["text"],
            },
            "tasks": [],
        },
        "job_payload",
    ),
    (
        {
            "job_payload": {
                "content": ["a"],
                "source_name": ["a"],
                "source_id": ["a"],
                "document_type": ["text"],
            },
            "tasks": [{"type": "transmogrify"}],
        },
        "tasks[0].type",
    ),
]


@pytest.mark.parametrize(("job", "cause"), BAD_JOBS)
def test_a_job_that_cannot_be_opened_is_answered_with_what_is_wrong_in_it(
    serve, connect, job, cause
):
    client = connect(serve)
    pushed = client.submit_message(QUEUE, json.dumps(job), for_nv_ingest=True)
    assert pushed.response_code == 0
    result = json.loads(client.fetch_message(pushed.transaction_id, (60, None)).response)
    assert (result["status"], result["data"]) == ("failed", None)
    (note,) = failure_notes(result["annotations"])
    assert note["task_id"] == "job_validation"
    assert cause in note["message"]


def test_text_that_is_no_job_at_all_is_refused_at_once(serve, connect):
    response = connect(serve).submit_message(QUEUE, "[1, 2]", for_nv_ingest=True)
    assert (response.response_code, response.response_reason) == (1, "Invalid JSON message")
