"""Goal: an old client's ACK is not kept waiting: the seven zero bytes go out between the ACK's
header and its body, and the client reads the answer that follows correctly.

Method: the client writes header and body in two sends, and its system keeps the second one back
until something comes from the broker. The relay does the same on purpose and without end: it passes
the header on and keeps the body until the broker has sent something. A broker that waits for the
whole ACK would get nothing through.
"""

from support.relay import HEADER_BYTES, ZERO_BYTES, Relay

HANDSHAKES = 2_000


def handshake_steps(exchange):
    """From the ACK's header on: who sent what, with the broker's bytes put together."""
    headers = [
        index for index, step in enumerate(exchange.steps) if step[:2] == ("client", "header")
    ]
    steps = []
    for who, what, data in exchange.steps[headers[1] :]:
        if steps and who == "broker" and steps[-1][0] == "broker":
            steps[-1] = (who, what, steps[-1][2] + data)
        else:
            steps.append((who, what, data))
    return steps


def test_the_seven_zero_bytes_come_between_the_header_and_the_body_of_every_ack(
    broker, connect, queue_name
):
    texts = [f"message {number} {'x' * (number % 300)}" for number in range(HANDSHAKES // 2)]
    with Relay(broker, hold_acknowledgement_body=True) as relay:
        client = connect(relay)
        for text in texts:
            response = client.submit_message(queue_name, text)
            assert (response.response_code, response.response) == (0, "Data stored.")
        assert [client.fetch_message(queue_name).response for _ in texts] == texts
    assert len(relay.exchanges) == HANDSHAKES
    for exchange in relay.exchanges:
        header, zeros, body, rest = handshake_steps(exchange)
        assert header[:2] == ("client", "header")
        assert len(header[2]) == HEADER_BYTES
        assert zeros == ("broker", "data", bytes(ZERO_BYTES))
        assert body[:2] == ("client", "body")
        # The eighth byte is the length of a final answer that must stay below 256 bytes.
        assert rest[0] == "broker"
        assert rest[2][0] == len(rest[2]) - 1
        first, final = exchange.answers
        assert first["transaction_id"] == final["transaction_id"]
        assert final["response"] in ("Data stored.", "Data processed.")


def test_a_job_that_gets_its_id_stamped_is_stored_with_the_same_handshake(
    broker, connect, queue_name
):
    with Relay(broker, hold_acknowledgement_body=True) as relay:
        response = connect(relay).submit_message(queue_name, '{"job_id": "None"}', (5, None), True)
    assert response.response_code == 0
    (exchange,) = relay.exchanges
    assert [step[0] for step in handshake_steps(exchange)] == [
        "client",
        "broker",
        "client",
        "broker",
    ]


def test_a_broker_that_waits_for_the_whole_ack_gets_nothing_through_this_relay(
    upstream, connect, queue_name
):
    with Relay(upstream, hold_acknowledgement_body=True) as relay:
        response = connect(relay).submit_message(queue_name, "message", timeout=(1, None))
    assert (response.response_code, response.response_reason) == (1, "ACK not received.")
