"""Runs upstream's SimpleMessageBroker on a free port and prints where it listens.

A program of its own: upstream's broker keeps one object per address in its process for ever.
"""

import json
import signal
import sys
import threading

from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleMessageBroker


def main():
    broker = SimpleMessageBroker("127.0.0.1", 0, int(sys.argv[1]))
    broker.daemon_threads = True
    serving = threading.Thread(target=broker.serve_forever, daemon=True)
    serving.start()

    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    print(json.dumps({"port": broker.server_address[1]}), flush=True)
    asked_to_stop.wait()
    broker.shutdown()


main()
