"""Goal: a program that uses NvIngestClient job by job gets from `millrace serve` the texts of its
documents, in rows of the known form.

Method: the real client with its SimpleClient, the project's samples, and, where they are beside the
repository, the documents whose texts upstream's own extractors gave.
"""

import pytest
from support.documents import (
    DOCUMENTS,
    REFERENCE_SAMPLES,
    assert_in_order,
    has_reference,
    reference_results,
    sample,
    sha256,
)
from support.jobs import (
    assert_valid_metadata,
    job_for_bytes,
    job_for_file,
    nv_ingest_client,
    source_name,
    submit_and_fetch,
    texts,
)
from support.processes import millrace

REFERENCE_PDFS = [
    "multimodal_test.pdf",
    "functional_validation.pdf",
    "test.pdf",
    "test-shapes.pdf",
]
reference = pytest.mark.skipif(not has_reference, reason="no reference documents here")


def rows_of(serve, spec):
    results, failures = submit_and_fetch(nv_ingest_client(serve), [spec])
    assert failures == []
    (rows,) = results
    return rows


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_text_of_a_document_comes_back_in_rows_of_the_known_form(serve, name):
    document_type, pieces = DOCUMENTS[name]
    path = sample(name)
    rows = rows_of(serve, job_for_file(path, document_type))
    for row in rows:
        assert set(row) == {"document_type", "metadata"}
        assert row["document_type"] == "text"
        metadata = row["metadata"]
        assert_valid_metadata(metadata)
        assert metadata["content_metadata"]["type"] == "text"
        assert metadata["source_metadata"]["source_id"] == str(path)
        assert metadata["source_metadata"]["source_name"] == str(path)
        assert metadata["source_metadata"]["source_type"].lower() == document_type
    assert_in_order("\n".join(texts(rows)), pieces)


@pytest.mark.parametrize("name", ["letter.txt", "notes.md"])
def test_plain_text_is_handed_back_as_it_was_sent(serve, name):
    path = sample(name)
    rows = rows_of(serve, job_for_file(path, "text"))
    assert texts(rows) == [path.read_text(encoding="utf-8")]


def test_the_pages_of_a_pdf_are_rows_with_their_numbers_from_1(serve):
    rows = rows_of(
        serve, job_for_file(sample("millrace-handbook.pdf"), "pdf", text_depth="page")
    )
    places = [row["metadata"]["content_metadata"] for row in rows]
    assert [place["page_number"] for place in places] == [1, 2, 3, 4, 5, 6]
    assert [place["hierarchy"]["page"] for place in places] == [1, 2, 3, 4, 5, 6]
    assert {place["hierarchy"]["page_count"] for place in places} == {6}
    assert texts(rows)[3] == ""


def test_the_document_as_a_whole_is_one_row_without_a_page_number(serve):
    (row,) = rows_of(serve, job_for_file(sample("millrace-handbook.pdf"), "pdf"))
    place = row["metadata"]["content_metadata"]
    assert (place["page_number"], place["hierarchy"]["page"]) == (-1, -1)
    assert place["hierarchy"]["page_count"] == 6


def test_several_jobs_at_once_each_get_their_own_result(serve):
    specs = [job_for_file(sample(name), kind) for name, (kind, _) in DOCUMENTS.items()]
    results, failures = submit_and_fetch(nv_ingest_client(serve), specs)
    assert failures == []
    assert sorted(map(source_name, results)) == sorted(str(sample(name)) for name in DOCUMENTS)
    for rows in results:
        _, pieces = DOCUMENTS[source_name(rows).rpartition("/")[2]]
        assert_in_order("\n".join(texts(rows)), pieces)


def test_a_job_whose_type_needs_no_extraction_is_handed_through(serve):
    """Nobody asks for anything of it, so the row goes through as it came."""
    (row,) = rows_of(serve, job_for_bytes("dot.png", "png", b"any bytes"))
    assert row["document_type"] == "png"
    assert_valid_metadata(row["metadata"])


@reference
@pytest.mark.parametrize("name", REFERENCE_PDFS)
def test_the_pages_of_reference_pdfs_have_upstreams_text_byte_for_byte(serve, name):
    expected = reference_results()["pdf"][f"data/{name}"]["text_depth_page"]
    rows = rows_of(serve, job_for_file(REFERENCE_SAMPLES / name, "pdf", text_depth="page"))
    assert texts(rows) == [page["content"] for page in expected]
    for row, page in zip(rows, expected, strict=True):
        place = row["metadata"]["content_metadata"]
        assert place["page_number"] == page["page_number"]
        assert page["hierarchy"].items() <= place["hierarchy"].items()


@reference
@pytest.mark.parametrize("name", REFERENCE_PDFS)
def test_reference_pdfs_as_a_whole_have_upstreams_text_byte_for_byte(serve, name):
    expected = reference_results()["pdf"][f"data/{name}"]["text_depth_document"]
    (row,) = rows_of(serve, job_for_file(REFERENCE_SAMPLES / name, "pdf"))
    assert sha256(row["metadata"]["content"]) == expected["sha256"]
    place = row["metadata"]["content_metadata"]
    assert place["page_number"] == expected["page_number"]
    assert expected["hierarchy"].items() <= place["hierarchy"].items()


@reference
@pytest.mark.parametrize("name", ["multimodal_test", "functional_validation"])
def test_text_rows_equal_those_of_the_results_that_upstream_published(serve, name):
    """Compared is what does not depend on models, on the day, or on the version of the result."""
    published = [
        row
        for row in reference_results()["published_rows"][f"data/{name}.json"]
        if row["document_type"] == "text"
    ]
    spec = job_for_file(
        REFERENCE_SAMPLES / f"{name}.pdf", "pdf", source=f"data/{name}.pdf", text_depth="page"
    )
    rows = rows_of(serve, spec)
    assert [comparable(row["metadata"]) for row in rows] == [
        # Pages were counted from 0 when the results were published.
        comparable(row, first_page=0)
        for row in published
    ]


def comparable(metadata, first_page=1):
    place = metadata["content_metadata"]
    source = metadata["source_metadata"]
    text = metadata["text_metadata"]
    return {
        "content": metadata["content"],
        **{key: place[key] for key in ("type", "description", "subtype")},
        "page_number": place["page_number"] - first_page,
        **{key: place["hierarchy"][key] for key in ("page_count", "block", "line", "span")},
        **{key: source[key] for key in ("source_name", "source_id", "source_type")},
        **{
            key: text[key]
            for key in (
                "text_type",
                "summary",
                "keywords",
                "language",
                "text_location",
                "text_location_max_dimensions",
            )
        },
    }


@reference
def test_pages_are_counted_from_0_for_programs_of_older_versions_when_told_so():
    published = reference_results()["published_rows"]["data/multimodal_test.json"]
    expected = [row["content_metadata"] for row in published if row["document_type"] == "text"]
    spec = job_for_file(REFERENCE_SAMPLES / "multimodal_test.pdf", "pdf", text_depth="page")
    with millrace("serve", "--page-number-base", "0") as address:
        rows = rows_of(address, spec)
    places = [row["metadata"]["content_metadata"] for row in rows]
    assert [each["page_number"] for each in places] == [each["page_number"] for each in expected]
    assert [each["hierarchy"]["page"] for each in places] == [
        each["hierarchy"]["page"] for each in expected
    ]


@reference
def test_reference_documents_of_other_types_have_upstreams_text(serve):
    html = next(each for each in reference_results()["html"] if each.get("file"))
    (row,) = rows_of(serve, job_for_file(REFERENCE_SAMPLES / "test.html", "html"))
    assert row["metadata"]["content"] == html["output"]
    for each in reference_results()["plain_text_files"]:
        path = REFERENCE_SAMPLES / each["file"].rpartition("/")[2]
        if path.exists():
            (row,) = rows_of(serve, job_for_file(path, "text"))
            assert row["metadata"]["content"] == each["content_utf8"]
