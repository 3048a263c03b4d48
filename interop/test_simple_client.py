"""Goal: upstream's SimpleClient, unmodified, gets from our broker what it gets from upstream's, and
it waits less.

Method: the real client, over TCP, against `millrace broker`; where the answers must equal
upstream's, the same calls go to upstream's broker in the same test. What the client does on the
line is counted by a relay in between, never measured with a clock.
"""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.processes import millrace
from support.relay import Relay

UNICODE = [
    "plain",
    "Grüße aus Köln, ¿qué tal?",
    "Ελληνικά, Русский, עברית, العربية, 日本語, हिन्दी",
    "beyond the BMP: 🌾🏞️👩‍🌾 𝔐𝔦𝔩𝔩",
    'quotes " and \\ backslashes \\" and / slashes',
    "controls \x00 \x01 \t \r\n \x7f \u2028 \u2029 \ufeff",
    '{"looks": ["like", {"a": "job"}], "n": 12345678901234567890}',
    " \n ",
]


def answer(response):
    """What a response says, without the ids that differ each time."""
    return (response.response_code, response.response_reason, response.response, response.trace_id)


def conversation(client, queue):
    """Every command once, also on an empty queue. Returns what the client got."""
    return [
        answer(client.ping()),
        answer(client.size(queue)),
        answer(client.submit_message(queue, "one")),
        answer(client.submit_message(queue, "two", timeout=(5, None))),
        answer(client.size(queue)),
        answer(client.fetch_message(queue)),
        answer(client.fetch_message(queue, timeout=(5, None))),
        answer(client.size(queue)),
        answer(client.fetch_message(queue, timeout=(1, None))),
        answer(client.submit_message(queue, "no JSON", for_nv_ingest=True)),
        answer(client.submit_message("", "message")),
        answer(client.submit_message(queue, "")),
    ]


def test_every_command_is_answered_as_upstreams_broker_answers_it(
    broker, upstream, connect, queue_name
):
    ours = conversation(connect(broker), queue_name)
    theirs = conversation(connect(upstream), queue_name)
    assert ours == theirs
    assert ours[0] == (0, "OK", "PONG", None)
    assert ours[5][2] == "one"


def test_a_transaction_has_an_id_and_a_popped_message_tells_it(broker, connect, queue_name):
    client = connect(broker)
    pushed = client.submit_message(queue_name, "message")
    popped = client.fetch_message(queue_name)
    assert uuid.UUID(pushed.transaction_id) != uuid.UUID(popped.transaction_id)


def test_a_job_gets_its_id_stamped_and_keeps_everything_else(broker, connect, queue_name):
    client = connect(broker)
    job = {"job_id": "None", "tasks": [], "n": 12345678901234567890, "text": "Köln 🌾"}
    pushed = client.submit_message(queue_name, json.dumps(job), for_nv_ingest=True)
    stored = json.loads(client.fetch_message(queue_name).response)
    assert stored == {**job, "job_id": pushed.transaction_id}
    assert uuid.UUID(pushed.transaction_id).version == 4


@pytest.mark.parametrize("message", UNICODE)
def test_text_comes_back_as_it_was_given(broker, connect, queue_name, message):
    client = connect(broker)
    assert client.submit_message(queue_name, message).response_code == 0
    assert client.fetch_message(queue_name).response == message


def test_queue_names_may_be_any_text(broker, connect, queue_name):
    client = connect(broker)
    for text in UNICODE:
        assert client.submit_message(queue_name + text, text).response_code == 0
    for text in UNICODE:
        assert client.fetch_message(queue_name + text).response == text


@pytest.mark.parametrize("megabytes", [5, 40])
def test_large_messages_come_back_byte_for_byte(broker, connect, queue_name, megabytes):
    client = connect(broker)
    # Letters of several widths and an escape, so that no part of the way can count characters.
    unit = 'ingest "Grüße" 🌾\n'
    message = unit * (megabytes * 1024 * 1024 // len(unit.encode()))
    assert client.submit_message(queue_name, message).response_code == 0
    assert client.size(queue_name).response == "1"
    assert client.fetch_message(queue_name).response == message


def test_a_pop_without_time_asks_nobody(broker, connect, queue_name):
    with Relay(broker) as relay:
        response = connect(relay).fetch_message(queue_name, timeout=(0, None))
    assert (response.response_code, response.response_reason) == (2, "Job not ready.")
    assert relay.exchanges == []


def test_a_pop_that_gets_nothing_ends_with_code_2_after_one_request(broker, connect, queue_name):
    with Relay(broker) as relay:
        response = connect(relay).fetch_message(queue_name, timeout=(3, None))
    assert (response.response_code, response.response_reason) == (2, "Job not ready.")
    assert [exchange.answers for exchange in relay.exchanges] == [
        [
            {
                "response_code": 2,
                "response_reason": "Job not ready",
                "response": None,
                "trace_id": None,
                "transaction_id": None,
            }
        ]
    ]


def test_a_held_pop_gets_a_message_that_comes_later_in_its_first_request(
    broker, connect, queue_name
):
    def answered(exchanges):
        return any(who == "broker" for exchange in exchanges for who, _, _ in exchange.steps)

    with Relay(broker) as relay, ThreadPoolExecutor() as threads:
        popping = threads.submit(connect(relay).fetch_message, queue_name, (60, None))
        assert not relay.wait_for(answered, seconds=2), "the POP was answered, not held"
        connect(broker).submit_message(queue_name, "late")
        assert popping.result(30).response == "late"
    assert [exchange.request["command"] for exchange in relay.exchanges] == ["POP"]


def wait_for_pops(relay, client, count):
    """Waits until the broker has read `count` POPs that came through the relay.

    The relay knows when it passed them on; the answer to a PING that went the same way afterwards
    tells that the broker has read them.
    """

    def popped(exchanges):
        bodies = [data for each in exchanges for _, what, data in each.steps if what == "body"]
        return sum(b'"POP"' in body for body in bodies) == count

    assert relay.wait_for(popped)
    assert client.ping().response == "PONG"


def test_consumers_that_wait_at_one_queue_are_served_first_come_first_served(
    broker, connect, queue_name
):
    with Relay(broker) as relay, ThreadPoolExecutor() as threads:
        popping = []
        for number in range(1, 6):
            popping.append(threads.submit(connect(relay).fetch_message, queue_name, (60, None)))
            wait_for_pops(relay, connect(relay), number)
        for number in range(5):
            connect(broker).submit_message(queue_name, f"message {number}")
        assert [each.result(30).response for each in popping] == [
            f"message {number}" for number in range(5)
        ]


def test_a_client_that_goes_away_while_its_pop_is_held_takes_no_message_with_it(
    broker, connect, queue_name
):
    impatient = connect(broker, connection_timeout=1)
    response = impatient.fetch_message(queue_name, timeout=(2, None))
    assert response.response_code == 2
    connect(broker).submit_message(queue_name, "still there")
    assert connect(broker).fetch_message(queue_name).response == "still there"


def test_a_full_queue_refuses_until_there_is_room_and_the_client_gets_through(
    connect, queue_name
):
    def refused(exchanges):
        return any(
            who == "broker" and b"Queue is full" in data
            for exchange in exchanges
            for who, _, data in exchange.steps
        )

    with (
        millrace("broker", "--max-queue-size", "1") as address,
        Relay(address) as relay,
        ThreadPoolExecutor() as threads,
    ):
        assert connect(address).submit_message(queue_name, "first").response_code == 0
        pushing = threads.submit(connect(relay).submit_message, queue_name, "second", (60, None))
        assert relay.wait_for(refused)
        assert connect(address).fetch_message(queue_name).response == "first"
        assert answer(pushing.result(30)) == (0, "OK", "Data stored.", None)
        assert connect(address).fetch_message(queue_name).response == "second"
    first, *_, last = [exchange.answers for exchange in relay.exchanges]
    assert [(each["response_code"], each["response_reason"]) for each in first] == [
        (1, "Queue is full")
    ]
    assert [each["response"] for each in last] == [
        "Transaction initiated. Waiting for ACK.",
        "Data stored.",
    ]


def test_a_push_into_a_queue_that_stays_full_ends_with_the_clients_timeout(connect, queue_name):
    with millrace("broker", "--max-queue-size", "1") as address:
        client = connect(address)
        client.submit_message(queue_name, "first")
        response = client.submit_message(queue_name, "second", timeout=(1, None))
        assert (response.response_code, response.response_reason) == (
            1,
            "PUSH operation timed out.",
        )
        assert client.size(queue_name).response == "1"


def test_a_broker_that_stops_answers_the_pops_that_it_holds(connect, queue_name):
    with (
        millrace("broker") as address,
        Relay(address) as relay,
        ThreadPoolExecutor() as threads,
    ):
        popping = threads.submit(connect(relay).fetch_message, queue_name, (3, None))
        wait_for_pops(relay, connect(relay), 1)
        address.process.terminate()
        assert address.process.wait(15) == 0
        (answered,) = relay.exchanges[0].answers
        assert (answered["response_code"], answered["response_reason"]) == (2, "Job not ready")
        assert popping.result(30).response_code == 2
