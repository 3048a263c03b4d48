"""The unmodified Python client under load: a closed loop with so many threads, bounded in time."""

import threading
import time

from calls import serve_calls
from nv_ingest_api.util.message_brokers.simple_message_broker import SimpleClient


class Load:
    """Counts what ended after the warm-up and within the time."""

    def __init__(self, threads, duration_s, warm_up_s, count_max, operate):
        self.operate = operate
        self.count_max = count_max
        self.begun = 0
        self.errors = 0
        self.lock = threading.Lock()
        self.ended = []
        self.threads = [threading.Thread(target=self.loop, daemon=True) for _ in range(threads)]
        self.duration_s = duration_s
        self.warm_up_s = warm_up_s

    def begin(self):
        with self.lock:
            if self.count_max is not None and self.begun >= self.count_max:
                return False
            self.begun += 1
            return True

    def loop(self):
        while time.monotonic() < self.end and self.begin():
            begun = time.monotonic()
            is_good = self.operate()
            now = time.monotonic()
            if now > self.end:
                return
            if is_good:
                self.ended.append((now, now - begun))
            else:
                self.errors += 1

    def run(self):
        start = time.monotonic()
        self.end = start + self.duration_s
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(max(0, self.end - time.monotonic()))
        counted_from = start + self.warm_up_s
        ended = [each for each in list(self.ended) if each[0] >= counted_from]
        last = max((at for at, _ in ended), default=self.end)
        # Where the number of operations ended the load, the time after the last one is no part of it.
        until = last if self.count_max is not None and len(self.ended) >= self.count_max else self.end
        latencies = sorted(latency * 1000 for _, latency in ended)
        count = len(latencies)
        return {
            "count": count,
            "stored": len(self.ended),
            "errors": self.errors,
            "perSecond": count / (until - counted_from),
            "p50Ms": latencies[count // 2] if latencies else None,
            "p99Ms": latencies[min(count - 1, int(count * 0.99))] if latencies else None,
            "isStuck": any(thread.is_alive() for thread in self.threads),
        }


def load(port, operation, threads, durationMs, warmUpMs=0, countMax=None, queueName="", job=None):
    client = SimpleClient("127.0.0.1", port)
    text = None
    if job is not None:
        letters = job["bytes"] - len(job["head"]) - len(job["tail"])
        text = job["head"] + ("millrace " * (letters // 9 + 1))[:letters] + job["tail"]

    def run_job():
        submitted = client.submit_message(queueName, text, for_nv_ingest=True)
        if submitted.response_code != 0:
            return False
        fetched = client.fetch_message(submitted.transaction_id)
        return fetched.response_code == 0 and '"status"' in fetched.response[:20]

    def run_pair():
        return operations["push"]() and operations["pop"]()

    operations = {
        "ping": lambda: client.ping().response_code == 0,
        "push": lambda: client.submit_message(queueName, text).response_code == 0,
        "pop": lambda: client.fetch_message(queueName).response_code == 0,
        "pair": run_pair,
        "job": run_job,
    }
    operate = operations[operation]
    return Load(threads, durationMs / 1000, warmUpMs / 1000, countMax, operate).run()


serve_calls({"load": load})
