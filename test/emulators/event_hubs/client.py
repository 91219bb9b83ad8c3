"""Python's azure-eventhub against a local hub: `python client.py ALL SENDER LISTENER`, three
connection strings with keys of different rights. Prints what it saw as JSON."""

import base64
import hashlib
import hmac
import json
import re
import sys
import threading
import time
import urllib.parse

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

ALL, SENDER, LISTENER = sys.argv[1:4]
WRONG = ALL.replace("SharedAccessKey=", "SharedAccessKey=AAAA")
told = {}


def send():
    with EventHubProducerClient.from_connection_string(ALL) as producer:
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


def reason(error):
    """The service's condition where the client passes it on, else the client's own name for it."""
    condition = re.search(r"Error condition: (\S+)", str(error))
    return condition[1] if condition else type(error).__name__


class Reader:
    """A consumer in a thread of its own; `until` waits for what it has to see."""

    def __init__(self, connection=ALL, **options):
        self.events, self.errors, self.newest = [], [], None
        self.client = EventHubConsumerClient.from_connection_string(
            connection, consumer_group="$Default", retry_total=0)
        run = dict(on_event_batch=self._take, on_error=self._fail, starting_position="-1",
                   max_batch_size=300, max_wait_time=0.5)
        self.thread = threading.Thread(
            target=self.client.receive_batch, kwargs={**run, **options}, daemon=True)
        self.thread.start()

    def _take(self, context, events):
        self.events.extend((context.partition_id, event) for event in events)
        self.newest = context.last_enqueued_event_properties or self.newest

    def _fail(self, _, error):
        self.errors.append(reason(error))

    def until(self, condition, seconds=30):
        deadline = time.time() + seconds
        while not condition(self) and time.time() < deadline:
            time.sleep(0.02)
        return self

    def close(self):
        self.client.close()
        self.thread.join(10)
        return self


def received(connection, count, **options):
    return Reader(connection, **options).until(lambda one: len(one.events) >= count or one.errors).close()


def receive():
    got = received(ALL, 501, owner_level=1).events
    keyed = [(partition, event) for partition, event in got if event.partition_key == b"user-7"]
    told["received"] = len(got)
    told["numbers"] = [json.loads(event.body_as_str())["number"] for _, event in keyed]
    told["partition"] = keyed[0][0]
    told["kind"] = keyed[0][1].properties[b"kind"].decode()
    told["large"] = max(len(b"".join(event.body)) for _, event in got)
    return told["partition"]


def positions():
    """Starts by sequence number, by offset, by time, at the end; each with what comes first."""
    with EventHubProducerClient.from_connection_string(ALL) as producer:
        for number in range(6):
            producer.send_batch([EventData(str(number))], partition_id="1")
            time.sleep(0.01)

        def first(position, inclusive, count):
            events = received(ALL, count, partition_id="1", starting_position=position,
                              starting_position_inclusive=inclusive).events
            return [event.body_as_str() for _, event in events]

        all_of_it = received(ALL, 6, partition_id="1").events
        third = all_of_it[2][1]
        told["by number"] = first(third.sequence_number, True, 4)
        told["after number"] = first(third.sequence_number, False, 3)
        told["after offset"] = first(third.offset, False, 3)
        told["after time"] = first(third.enqueued_time, False, 3)
        end = Reader(partition_id="1", starting_position="@latest", track_last_enqueued_event_properties=True)
        while not end.events:
            producer.send_batch([EventData("later")], partition_id="1")
            end.until(lambda one: one.events, seconds=1)
        end.until(lambda one: one.newest).close()
        told["at the end"] = end.events[0][1].body_as_str()
        told["newest"] = end.newest["sequence_number"] - end.events[-1][1].sequence_number


def ownership():
    """A higher level takes the partition, a lower one is refused."""
    options = dict(partition_id="3", track_last_enqueued_event_properties=False)
    first = Reader(owner_level=3, **options)
    with EventHubProducerClient.from_connection_string(ALL) as producer:
        producer.send_batch([EventData("one")], partition_id="3")
        first.until(lambda one: one.events)
        second = Reader(owner_level=7, **options).until(lambda one: one.events)
        told["stolen from"] = first.until(lambda one: one.errors).errors[0]
        told["lower"] = Reader(owner_level=5, **options).until(lambda one: one.errors).close().errors[0]
        producer.send_batch([EventData("two")], partition_id="3")
        second.until(lambda one: len(one.events) == 2)
        told["owner has"] = [event.body_as_str() for _, event in second.events]
        told["owner's errors"] = second.errors
    first.close()
    second.close()


def refusal(call):
    try:
        call()
        return "was accepted"
    except EventHubError as error:
        return reason(error)


def send_with(connection):
    with EventHubProducerClient.from_connection_string(connection, retry_total=0) as producer:
        producer.send_batch([EventData("x")], partition_id="3")


def signed(seconds):
    """A connection string with a token instead of a key, which expires in so many seconds."""
    parts = dict(part.split("=", 1) for part in ALL.split(";"))
    address = urllib.parse.quote_plus(f"{parts['Endpoint']}/{parts['EntityPath']}")
    expiry = int(time.time()) + seconds
    digest = hmac.new(parts["SharedAccessKey"].encode(), f"{address}\n{expiry}".encode(), hashlib.sha256)
    signature = urllib.parse.quote_plus(base64.b64encode(digest.digest()))
    token = f"SharedAccessSignature sr={address}&sig={signature}&se={expiry}&skn={parts['SharedAccessKeyName']}"
    return (f"Endpoint={parts['Endpoint']};SharedAccessSignature={token};"
            f"EntityPath={parts['EntityPath']};UseDevelopmentEmulator=true")


def rights():
    told["wrong key"] = refusal(lambda: send_with(WRONG))
    told["sender sends"] = refusal(lambda: send_with(SENDER))
    told["listener sends"] = refusal(lambda: send_with(LISTENER))
    told["sender listens"] = received(SENDER, 1, partition_id="3").errors[:1]
    told["listener listens"] = received(LISTENER, 1, partition_id="3").errors
    told["token"] = refusal(lambda: send_with(signed(60)))
    told["expired token"] = refusal(lambda: send_with(signed(-60)))
    unknown = ALL.split("EntityPath=")[0] + "EntityPath=nothing"
    told["unknown hub"] = refusal(lambda: send_with(unknown))


send()
receive()
positions()
ownership()
rights()
print(json.dumps(told))
