"""Goal: the fluent interface of nv-ingest's client works against `millrace serve` as its README
shows it, also with the defaults, which ask for things that need models.

Method: the real Ingestor with files of all types in one call.
"""

import inspect
import io

import pytest
from nv_ingest_client.client import Ingestor
from support.documents import (
    DOCUMENTS,
    REFERENCE_SAMPLES,
    assert_in_order,
    has_reference,
    sample,
)
from support.jobs import (
    TEXT_ONLY,
    assert_valid_metadata,
    ingest,
    nv_ingest_client,
    source_name,
    texts,
)

takes_return_traces = "return_traces" in inspect.signature(Ingestor.ingest).parameters
FILES = [str(sample(name)) for name in DOCUMENTS]


def assert_all_texts(results):
    assert sorted(map(source_name, results)) == sorted(FILES)
    for rows in results:
        for row in rows:
            assert_valid_metadata(row["metadata"])
        _, pieces = DOCUMENTS[source_name(rows).rpartition("/")[2]]
        assert_in_order("\n".join(texts(rows)), pieces)


def test_extract_and_split_of_several_files_succeed(serve):
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve))
        .files(FILES)
        .extract(**TEXT_ONLY)
        .split()
    )
    assert failures == []
    assert_all_texts(results)


def test_the_plain_extract_succeeds_though_tables_charts_and_images_need_models(serve):
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve))
        .files(FILES)
        .extract()
    )
    assert failures == []
    assert_all_texts(results)


@pytest.mark.skipif(not has_reference, reason="the reference documents are not at hand")
def test_the_plain_extract_succeeds_on_each_reference_document(serve):
    files = sorted(str(path) for path in REFERENCE_SAMPLES.iterdir())
    results, failures = ingest(Ingestor(client=nv_ingest_client(serve)).files(files).extract())
    assert failures == []
    assert len(results) == len(files)
    pictures = {}
    for rows in results:
        sizes = [
            (row["metadata"]["image_metadata"]["width"], row["metadata"]["image_metadata"]["height"])
            for row in rows
            if row["document_type"] == "image"
        ]
        pictures[source_name(rows).rpartition("/")[2]] = sizes
    for name in ["multimodal_test.png", "multimodal_test.jpeg", "multimodal_test.tiff"]:
        assert pictures[name] == [(849, 1090)]
    for name in ["multimodal_test.docx", "multimodal_test.pptx"]:
        assert len(pictures[name]) == 4
        assert all(width > 9 and height > 9 for width, height in pictures[name])


def test_all_tasks_at_once_succeed_and_leave_undone_what_needs_models(serve):
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve))
        .files([str(sample("millrace-handbook.pdf"))])
        .all_tasks()
    )
    assert failures == []
    assert_in_order("\n".join(texts(results[0])), DOCUMENTS["millrace-handbook.pdf"][1])


def test_the_same_in_the_background_gives_the_same(serve):
    running = (
        Ingestor(client=nv_ingest_client(serve)).files(FILES).extract(**TEXT_ONLY).ingest_async()
    )
    assert_all_texts(running.result(60))


def test_results_written_to_disk_by_the_client_hold_the_texts(serve, tmp_path):
    with (
        Ingestor(client=nv_ingest_client(serve))
        .files(FILES)
        .extract(**TEXT_ONLY)
        .save_to_disk(output_directory=str(tmp_path), cleanup=False)
    ) as ingestor:
        results, failures = ingest(ingestor)
    assert failures == []
    assert_all_texts([list(each) for each in results])


@pytest.mark.skipif(not hasattr(Ingestor, "buffers"), reason="this version has no buffers")
def test_documents_from_memory_are_taken_like_files(serve):
    buffers = [(name, io.BytesIO(sample(name).read_bytes())) for name in DOCUMENTS]
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve)).buffers(buffers).extract(**TEXT_ONLY)
    )
    assert failures == []
    assert sorted(map(source_name, results)) == sorted(DOCUMENTS)


@pytest.mark.skipif(not takes_return_traces, reason="this version returns no traces")
def test_traces_tell_the_time_in_every_stage(serve):
    ingestor = (
        Ingestor(client=nv_ingest_client(serve))
        .files([str(sample("millrace-handbook.pdf"))])
        .extract(**TEXT_ONLY)
    )
    results, failures, (trace,) = ingestor.ingest(
        return_failures=True, return_traces=True, timeout=60, max_job_retries=1
    )
    assert (len(results), failures) == (1, [])
    for stage in ("message_broker_task_source", "metadata_injector", "pdf_extractor"):
        assert trace[f"trace::entry::{stage}"] <= trace[f"trace::exit::{stage}"]
        assert trace[f"trace::resident_time::{stage}"] >= 0


def test_many_files_are_all_answered(serve):
    count = 60
    files = [FILES[index % len(FILES)] for index in range(count)]
    results, failures = ingest(
        Ingestor(client=nv_ingest_client(serve))
        .files(files)
        .extract(**TEXT_ONLY)
    )
    assert failures == []
    assert sorted(map(source_name, results)) == sorted(files)
