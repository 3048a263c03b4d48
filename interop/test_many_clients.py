"""Goal: upstream's client on both ends of our queues: nothing is lost, nothing comes twice, and the
order is kept.

Method: producers and consumers in threads, each with the unmodified client. The end of the stream
is a message of its own per consumer, so nobody waits for a timeout.
"""

import collections
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.processes import millrace

END = "end"
TIMEOUT = (60, None)


def produce(client, queue, name, count):
    for number in range(count):
        response = client.submit_message(queue, f"{name}:{number}", TIMEOUT)
        assert response.response_code == 0, response.response_reason


def consume(client, queue):
    """All messages until the end, in the order in which they came."""
    messages = []
    while (message := fetch(client, queue)) != END:
        messages.append(message)
    return messages


def fetch(client, queue):
    response = client.fetch_message(queue, TIMEOUT)
    assert response.response_code == 0, response.response_reason
    return response.response


@pytest.mark.parametrize(("producers", "consumers", "each"), [(1, 1, 500), (8, 8, 100)])
def test_every_message_arrives_exactly_once(
    broker, connect, queue_name, producers, consumers, each
):
    with ThreadPoolExecutor(producers + consumers) as threads:
        consuming = [
            threads.submit(consume, connect(broker), queue_name) for _ in range(consumers)
        ]
        producing = [
            threads.submit(produce, connect(broker), queue_name, f"p{number}", each)
            for number in range(producers)
        ]
        for each_producer in producing:
            each_producer.result(60)
        for _ in range(consumers):
            connect(broker).submit_message(queue_name, END)
        received = collections.Counter(
            message for each_consumer in consuming for message in each_consumer.result(60)
        )
    sent = {f"p{number}:{index}" for number in range(producers) for index in range(each)}
    assert set(received) == sent
    assert set(received.values()) == {1}
    assert connect(broker).size(queue_name).response == "0"


def test_one_consumer_gets_each_producers_messages_in_the_order_of_sending(
    broker, connect, queue_name
):
    producers, each = 4, 100
    with ThreadPoolExecutor(producers + 1) as threads:
        consuming = threads.submit(consume, connect(broker), queue_name)
        producing = [
            threads.submit(produce, connect(broker), queue_name, f"p{number}", each)
            for number in range(producers)
        ]
        for each_producer in producing:
            each_producer.result(60)
        connect(broker).submit_message(queue_name, END)
        received = consuming.result(60)
    for number in range(producers):
        of_this_producer = [text for text in received if text.startswith(f"p{number}:")]
        assert of_this_producer == [f"p{number}:{index}" for index in range(each)]


def test_a_full_queue_slows_producers_down_and_loses_nothing(connect, queue_name):
    count = 12
    with (
        millrace("broker", "--max-queue-size", "4") as address,
        ThreadPoolExecutor(3) as threads,
    ):
        producing = [
            threads.submit(produce, connect(address), queue_name, f"p{number}", count)
            for number in range(2)
        ]
        consuming = threads.submit(consume, connect(address), queue_name)
        for each_producer in producing:
            each_producer.result(60)
        connect(address).submit_message(queue_name, END, TIMEOUT)
        received = consuming.result(60)
    assert sorted(received) == sorted(f"p{p}:{n}" for p in range(2) for n in range(count))
