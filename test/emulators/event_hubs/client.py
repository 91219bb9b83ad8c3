"""Python's azure-eventhub against a local hub: `python client.py CONNECTION_STRING`. Prints JSON."""

import json
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

CONNECTION = sys.argv[1]
WRONG = CONNECTION.replace("SharedAccessKey=", "SharedAccessKey=AAAA")
told = {}


def send():
    with EventHubProducerClient.from_connection_string(CONNECTION) as producer:
        hub = producer.get_eventhub_properties()
        told["partitions"] = hub["partition_ids"]
        batch = producer.create_batch(partition_key="user-7")
        for number in range(500):
            event = EventData(json.dumps({"number": number}))
            event.properties = {"kind": "view"}
            batch.add(event)
        producer.send_batch(batch)
        producer.send_batch([EventData(b"x" * 200_000)], partition_id="0")
        told["last"] = producer.get_partition_properties("0")["last_enqueued_sequence_number"]


def receive():
    got = []
    client = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group="$Default")

    def on_batch(context, events):
        got.extend((context.partition_id, event) for event in events)

    def run():
        client.receive_batch(
            on_event_batch=on_batch, starting_position="-1", max_batch_size=300, owner_level=1
        )

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.time() + 30
    while len(got) < 501 and time.time() < deadline:
        time.sleep(0.05)
    client.close()
    thread.join(10)
    keyed = [(partition, event) for partition, event in got if event.partition_key == b"user-7"]
    told["received"] = len(got)
    told["numbers"] = [json.loads(event.body_as_str())["number"] for _, event in keyed]
    told["partition"] = keyed[0][0]
    told["kind"] = keyed[0][1].properties[b"kind"].decode()
    told["large"] = max(len(b"".join(event.body)) for _, event in got)


def refuse():
    try:
        with EventHubProducerClient.from_connection_string(WRONG, retry_total=0) as producer:
            producer.send_batch([EventData("no")])
        told["wrong key"] = "was accepted"
    except EventHubError as error:
        told["wrong key"] = type(error).__name__


send()
receive()
refuse()
print(json.dumps(told))
