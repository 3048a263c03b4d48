"""The original's own broker, listening on a free port of the loopback address."""

import threading

from calls import serve_calls
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleMessageBroker


def listen():
    # 0 messages: no limit. Everything else is as the original has it.
    broker = SimpleMessageBroker("127.0.0.1", 0, 0)
    threading.Thread(target=broker.serve_forever, daemon=True).start()
    return broker.server_address[1]


serve_calls({"listen": lambda: listen()})
