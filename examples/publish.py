"""Publishes one touchpoint and prints its verdict.

    pip install grpcio-tools
    python -m grpc_tools.protoc -I proto --include_imports --descriptor_set_out=rapport.pb rapport/v1/ingest.proto
    python examples/publish.py
"""

import json

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

# The contract is read at run time: Python code generated from it would hide Python's own module `io`.
pool = descriptor_pool.DescriptorPool()
with open("rapport.pb", "rb") as contract:
    for file in descriptor_pb2.FileDescriptorSet.FromString(contract.read()).file:
        pool.Add(file)


def message(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


request = json_format.ParseDict(
    {
        "events": [
            {
                "specVersion": "1.0",
                "id": "ord-8841",
                "source": "shop/web",
                "type": "order.placed",
                "attributes": {
                    "time": {"ceString": "2026-11-21T10:00:00.123Z"},
                    "subject": {"ceString": "email:ann@example.com"},
                    "channel": {"ceString": "web"},
                },
                "textData": json.dumps(
                    {
                        "identifiers": {"user_id": "42", "anonymous_id": "a-77"},
                        "order_id": "8841",
                        "amount": "129.90",
                        "currency": "CNY",
                    }
                ),
            }
        ]
    },
    message("rapport.v1.PublishRequest")(),
)

with grpc.insecure_channel("127.0.0.1:7700") as channel:
    publish = channel.unary_unary(
        "/rapport.v1.IngestService/Publish",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message("rapport.v1.PublishResponse").FromString,
    )
    print(json_format.MessageToJson(publish(request, timeout=5)))
