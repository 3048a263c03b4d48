"""The ways in which a program with nv-ingest's client submits documents.

What differs between the versions of the client stays in this file.
"""

import base64
from importlib.metadata import version

from nv_ingest_api.internal.schemas.meta.metadata_schema import MetadataSchema
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient
from nv_ingest_client.client import NvIngestClient
from nv_ingest_client.primitives import JobSpec
from nv_ingest_client.primitives.tasks import ExtractTask
from nv_ingest_client.util.util import create_job_specs_for_batch

QUEUE = "ingest_task_queue"
FETCH_SECONDS = 60
CLIENT_VERSION = version("nv-ingest-client")

# Extraction methods by type. 25.9.0 takes "pdfium" for all of them, later versions check.
METHODS = {"docx": "python_docx", "pptx": "python_pptx"}
TEXT_ONLY = {
    "extract_text": True,
    "extract_tables": False,
    "extract_charts": False,
    "extract_images": False,
}


def nv_ingest_client(address, **options):
    return NvIngestClient(
        message_client_allocator=SimpleClient,
        message_client_hostname=address.host,
        message_client_port=address.port,
        **options,
    )


def extract_task(document_type, **options):
    method = METHODS.get(document_type, "pdfium")
    return ExtractTask(document_type, extract_method=method, **{**TEXT_ONLY, **options})


def job_for_file(path, document_type, *, source=None, **options):
    """The job that the client itself makes for a file, with one task to extract its text."""
    (spec,) = create_job_specs_for_batch([str(path)])
    if source is not None:
        spec.source_id = spec.source_name = source
    spec.add_task(extract_task(document_type, **options))
    return spec


def job_for_bytes(name, document_type, content, *, tasks=()):
    spec = JobSpec(
        document_type=document_type,
        payload=base64.b64encode(content).decode(),
        source_id=name,
        source_name=name,
    )
    for task in tasks:
        spec.add_task(task)
    return spec


def submit_and_fetch(client, specs):
    """Submits jobs one by one and fetches all results.

    Returns (results, failures): a list of rows per finished document, and (source id, cause) pairs.
    """
    ids = [client.add_job(spec) for spec in specs]
    client.submit_job(ids, QUEUE)
    # Without max_retries the client asks for ever, in threads that nothing can end.
    return client.fetch_job_result(
        ids, timeout=FETCH_SECONDS, max_retries=1, return_failures=True
    )


def ingest(ingestor):
    """Runs an Ingestor to its end. Returns (results, failures)."""
    return ingestor.ingest(return_failures=True, timeout=FETCH_SECONDS, max_job_retries=1)


def source_name(rows):
    return rows[0]["metadata"]["source_metadata"]["source_name"]


def texts(rows):
    return [row["metadata"]["content"] for row in rows if row["document_type"] == "text"]


def assert_valid_metadata(metadata):
    """Checks metadata against the schema in the installed package, which refuses unknown members.

    The form of the results is that of the current version: members that a version did not have yet
    may be there and must be null, so nothing that its programs read is missing or different.
    """
    known = MetadataSchema.model_fields
    for name in metadata.keys() - known.keys():
        assert metadata[name] is None, f"{name} is not null and unknown to {CLIENT_VERSION}"
    MetadataSchema.model_validate({key: metadata[key] for key in metadata.keys() & known.keys()})
