"""Fixtures that many tests share. What a test changes in a broker is gone with its queues."""

import logging
import os
import uuid

import pytest
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient

pytest.register_assert_rewrite("support")

from support.processes import millrace, millrace_pipeline, upstream_broker  # noqa: E402
from support.redis_server import redis_absent, redis_server  # noqa: E402

# The clients log what a test provokes on purpose, some of it with whole documents.
logging.getLogger("nv_ingest_client").setLevel(logging.CRITICAL)
logging.getLogger("nv_ingest_api").setLevel(logging.CRITICAL)


@pytest.fixture(scope="session")
def serve():
    """`millrace serve`: the broker with the pipeline behind it."""
    with millrace("serve") as address:
        yield address


@pytest.fixture(scope="session", params=["fsync", "memory"])
def broker(request):
    """`millrace broker`: the broker alone, with its messages on the disk and in memory."""
    with millrace("broker", "--durability", request.param) as address:
        yield address


@pytest.fixture(scope="session")
def upstream():
    """Upstream's own broker."""
    with upstream_broker() as address:
        yield address


@pytest.fixture(scope="session")
def redis_address():
    """A Redis of its own. Where there is none, tests say so, and fail where nothing may be left out."""
    absent = redis_absent()
    if absent is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(absent)
    with redis_server() as address:
        yield address


@pytest.fixture(scope="session")
def redis_worker(redis_address):
    """`millrace pipeline` at that Redis."""
    with millrace_pipeline(redis_address, scheme="redis"):
        yield redis_address


@pytest.fixture
def queue_name():
    """A queue that nobody else uses."""
    return f"interop-{uuid.uuid4()}"


@pytest.fixture
def connect():
    """Makes upstream's client for an address."""
    return lambda address, **options: SimpleClient(address.host, address.port, **options)
