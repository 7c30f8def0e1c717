"""The job of the part `peers` with the library eventsourcing on SQLite.

An aggregate for each customer holds its orders, revenue and when it was last seen. A batch of 1,000 touchpoints becomes events of
the aggregates that it names, saved together by one `save`, which is one transaction; aggregates are cached, as the
documentation says for speed. Arguments: a folder, the touchpoints (NDJSON), the customers to read (one a line).
"""

import json
import os
import sys
import time
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event

BATCH = 1_000


class Customer(Aggregate):
    def __init__(self, name: str) -> None:
        self.name = name
        self.orders = 0
        self.cents = 0
        self.last_seen = ""

    @staticmethod
    def create_id(name: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"/customers/{name}")

    @event("Recorded")
    def record(self, at: str, cents: int | None, touchpoint: dict) -> None:
        self.orders += cents is not None
        self.cents += cents or 0
        self.last_seen = max(self.last_seen, at)


class Customers(Application):
    def record(self, batch: list[dict]) -> None:
        touched: dict[str, Customer] = {}
        for touchpoint in batch:
            name = touchpoint["customer"]
            if name not in touched:
                touched[name] = self.find(name) or Customer(name)
            touched[name].record(touchpoint["time"], touchpoint["cents"], touchpoint["event"])
        self.save(*touched.values())

    def find(self, name: str) -> Customer | None:
        try:
            return self.repository.get(Customer.create_id(name))
        except AggregateNotFoundError:
            return None


def main() -> None:
    folder, touchpoints_file, reads_file = sys.argv[1:]
    with open(touchpoints_file) as lines:
        touchpoints = [json.loads(line) for line in lines]
    with open(reads_file) as lines:
        reads = lines.read().split()
    customers = {touchpoint["customer"] for touchpoint in touchpoints}
    app = Customers(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": os.path.join(folder, "events.db"),
            "AGGREGATE_CACHE_MAXSIZE": str(len(customers)),
        }
    )
    began = time.perf_counter()
    for first in range(0, len(touchpoints), BATCH):
        app.record(touchpoints[first : first + BATCH])
    append_s = time.perf_counter() - began
    began = time.perf_counter()
    for name in reads:
        app.repository.get(Customer.create_id(name))
    read_s = time.perf_counter() - began
    kept = [app.repository.get(Customer.create_id(name)) for name in customers]
    done = {
        "events": len(touchpoints),
        "append_s": append_s,
        "reads": len(reads),
        "read_s": read_s,
        "orders": sum(customer.orders for customer in kept),
        "cents": sum(customer.cents for customer in kept),
    }
    print(json.dumps(done))


if __name__ == "__main__":
    main()
