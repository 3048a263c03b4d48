"""A relay between a client and a broker that knows frames, records them, and can hold one back or
reset both sides in the middle of one.

It stands on a port of its own, in a thread of its own. The client is unmodified: it is told the
relay's port instead of the broker's.
"""

import asyncio
import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass, field

HEADER_BYTES = 8
ZERO_BYTES = 7
# Longer bodies are passed on and counted, not kept.
KEPT_BYTES = 4096


@dataclass
class Exchange:
    """One connection. `steps` is what passed through the relay, in that order.

    A step is (who, what, bytes): who is "client" or "broker", what is "header" or "body" for a
    client's frames and "data" for whatever a broker sent in one go.
    """

    steps: list = field(default_factory=list)

    @property
    def request(self):
        body = next(data for who, what, data in self.steps if (who, what) == ("client", "body"))
        return json.loads(body)

    @property
    def transaction_id(self):
        """That of the first answer, which is whole."""
        first = next(data for who, _, data in self.steps if who == "broker")
        return json.loads(first[HEADER_BYTES:])["transaction_id"]

    @property
    def answers(self):
        """The broker's frames, decoded. A frame that is not whole is an error."""
        received = b"".join(data for who, _, data in self.steps if who == "broker")
        frames = []
        while received:
            length = int.from_bytes(received[:HEADER_BYTES], "big")
            body = received[HEADER_BYTES : HEADER_BYTES + length]
            assert len(body) == length, f"a frame of {length} bytes ended after {len(body)}"
            frames.append(json.loads(body))
            received = received[HEADER_BYTES + length :]
        return frames


async def read_frame(reader):
    header = await reader.readexactly(HEADER_BYTES)
    return header + await reader.readexactly(int.from_bytes(header, "big"))


def reset(writer):
    """Ends a connection with a reset instead of a close in good order."""
    no_lingering = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, no_lingering
    )
    writer.transport.abort()


class Relay:
    """Relays to `address` while it is open (`with Relay(address) as relay`).

    With `hold_acknowledgement_body`, the body of a client's ACK is held back until the broker has
    sent something after the ACK's header.

    `bytes_of_final` is asked once in each handshake, with its exchange, how many bytes of the final
    response may pass. When the whole of it has come from the broker and was only let through so
    far, both connections are reset. None: it passes.
    """

    def __init__(self, address, *, hold_acknowledgement_body=False, bytes_of_final=None):
        self._target = (address.host, address.port)
        self._holds = hold_acknowledgement_body
        self._bytes_of_final = bytes_of_final
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._changed = threading.Condition()
        self.exchanges = []
        self.host = "127.0.0.1"
        self.port = None

    def __enter__(self):
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, self.host, 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, condition, seconds=30):
        """Waits until `condition(exchanges)` is true. Returns whether it became true in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.exchanges), seconds)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _close(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _note(self, exchange, who, what, data):
        with self._changed:
            exchange.steps.append((who, what, bytes(data[:KEPT_BYTES])))
            self._changed.notify_all()

    async def _serve(self, client_reader, client_writer):
        exchange = Exchange()
        with self._changed:
            self.exchanges.append(exchange)
        try:
            broker_reader, broker_writer = await asyncio.open_connection(*self._target)
        except OSError:
            client_writer.close()
            return
        spoken = asyncio.Event()
        if self._bytes_of_final is None:
            passing = self._pass_answers(exchange, broker_reader, client_writer, spoken)
        else:
            passing = self._pass_up_to_final(exchange, broker_reader, client_writer, broker_writer)
        down = asyncio.create_task(passing)
        try:
            await self._pass_frames(exchange, client_reader, broker_writer, spoken)
            broker_writer.write_eof()
            await down
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            down.cancel()
            client_writer.close()
            broker_writer.close()

    async def _pass_answers(self, exchange, reader, writer, spoken):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                self._note(exchange, "broker", "data", data)
                spoken.set()
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def _pass_up_to_final(self, exchange, reader, writer, broker_writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            first = await read_frame(reader)
            self._note(exchange, "broker", "data", first)
            writer.write(first)
            if json.loads(first[HEADER_BYTES:])["transaction_id"] is not None:
                final = await read_frame(reader)
                bytes_passed = self._bytes_of_final(exchange)
                self._note(exchange, "broker", "data", final[:bytes_passed])
                writer.write(final[:bytes_passed])
                if bytes_passed is not None:
                    await writer.drain()
                    reset(broker_writer)
                    reset(writer)
                    return
            await writer.drain()
            writer.write_eof()

    async def _pass_frames(self, exchange, reader, writer, spoken):
        frame_number = 0
        while True:
            try:
                header = await reader.readexactly(HEADER_BYTES)
            except asyncio.IncompleteReadError:
                return
            frame_number += 1
            spoken.clear()
            self._note(exchange, "client", "header", header)
            writer.write(header)
            body = await reader.readexactly(int.from_bytes(header, "big"))
            if self._holds and frame_number > 1:
                await spoken.wait()
            self._note(exchange, "client", "body", body)
            writer.write(body)
            await writer.drain()
