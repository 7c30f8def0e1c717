"""The append of the part `peers` into UmaDB, through its Python client, whose work is done in Rust.

Batches of 1,000, each appended atomically; an event carries its customer as a tag. UmaDB keeps no read models, so nothing is
read. Arguments: a folder, the touchpoints (NDJSON), the customers to read (not used).
"""

import json
import os
import socket
import subprocess
import sys
import time
from uuid import UUID

from umadb import Client, Event

BATCH = 1_000
PATIENCE_S = 30


def main() -> None:
    folder, touchpoints_file, _ = sys.argv[1:]
    with open(touchpoints_file) as lines:
        touchpoints = [json.loads(line) for line in lines]
    events = [
        Event(
            event_type=touchpoint["event"]["type"],
            tags=[touchpoint["customer"]],
            data=json.dumps(touchpoint["event"]).encode(),
            uuid=UUID(touchpoint["id"]),
        )
        for touchpoint in touchpoints
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = os.path.join(os.path.dirname(sys.executable), "umadb")
    server = subprocess.Popen(
        [program, "--listen", f"127.0.0.1:{port}", "--db-path", os.path.join(folder, "uma.db")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        client = connect(port)
        began = time.perf_counter()
        for first in range(0, len(events), BATCH):
            client.append(events[first : first + BATCH])
        append_s = time.perf_counter() - began
    finally:
        server.kill()
        server.wait()
    orders = [touchpoint["cents"] for touchpoint in touchpoints if touchpoint["cents"] is not None]
    done = {
        "events": len(events),
        "append_s": append_s,
        "reads": 0,
        "read_s": 0.0,
        "orders": len(orders),
        "cents": sum(orders),
    }
    print(json.dumps(done))


def connect(port: int) -> Client:
    began = time.monotonic()
    while True:
        try:
            client = Client(f"http://127.0.0.1:{port}")
            client.head()
            return client
        except Exception:
            if time.monotonic() - began > PATIENCE_S:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
