"""Publishes one touchpoint and reads back the customer that it is about.

Generate the client from the contract, then run this beside it:

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. \
        proto/rapport/v1/*.proto proto/cloudevents/v1/*.proto
    python publish_and_read.py 127.0.0.1:7700
"""

import json
import sys

import grpc
from cloudevents.v1.cloudevents_pb2 import CloudEvent
from rapport.v1 import answer_pb2, customer_pb2, customer_pb2_grpc, ingest_pb2, ingest_pb2_grpc


def attribute(text):
    return CloudEvent.CloudEventAttributeValue(ce_string=text)


order = CloudEvent(
    id="ord-8841",
    source="shop/web",
    spec_version="1.0",
    type="order.placed",
    attributes={
        "time": attribute("2024-11-21T10:00:00.123Z"),
        "channel": attribute("web"),
        "subject": attribute("email:Ann@example.com"),
    },
    text_data=json.dumps({"order_id": "8841", "amount": "129.90", "currency": "CNY"}),
)

with grpc.insecure_channel(sys.argv[1]) as channel:
    ingest = ingest_pb2_grpc.IngestServiceStub(channel)
    customers = customer_pb2_grpc.CustomerServiceStub(channel)

    published = ingest.Publish(ingest_pb2.PublishRequest(events=[order]), timeout=30)
    verdict = published.verdicts[0]
    outcome = verdict.WhichOneof("verdict")  # accepted, duplicate, quarantined or rejected
    if outcome not in ("accepted", "duplicate"):
        sys.exit(f"{outcome}: {getattr(verdict, outcome)}")
    position = getattr(verdict, outcome).position

    # With min_position the answer holds what was just published.
    ann = answer_pb2.CustomerRef(identifier="email:ann@example.com")
    request = customer_pb2.GetCustomerRequest(customer=ann, min_position=position)
    customer = customers.Get(request, timeout=30).customer

print(f"{outcome} at {position}")
print(f"{customer.id} has {customer.touchpoints} touchpoint")
for orders in customer.orders:
    print(f"{orders.orders} order, {orders.revenue} {orders.currency}")
