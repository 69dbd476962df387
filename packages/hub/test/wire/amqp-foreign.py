"""What Apache Qpid Proton does with a hub; started by amqp-foreign.test.ts, which judges what is printed.

One scenario per run: amqp-foreign.py SCENARIO JSON. Facts go to standard output, one JSON object a line.
"""

import json
import socket
import ssl
import sys
import time

from proton import Connection, Delivery, Endpoint, Message, SSLDomain, Transport, symbol
from proton import ConnectionException
from proton.utils import BlockingConnection, LinkDetached

SCENARIO, OPTIONS = sys.argv[1], json.loads(sys.argv[2])
PORT, CA = OPTIONS['port'], OPTIONS['ca']
DEVICE = f"/devices/{OPTIONS['device']}"
EVENTS = f'{DEVICE}/messages/events'
CLOUD = f'{DEVICE}/messages/devicebound'
STATES = {
    Delivery.ACCEPTED: 'accepted',
    Delivery.REJECTED: 'rejected',
    Delivery.RELEASED: 'released',
    Delivery.MODIFIED: 'modified',
}


def tell(**facts):
    print(json.dumps(facts), flush=True)


def connect(**options):
    domain = SSLDomain(SSLDomain.MODE_CLIENT)
    domain.set_trusted_ca_db(CA)
    domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME, CA)
    login = {'allowed_mechs': 'PLAIN'} if 'user' in options else {'allowed_mechs': 'ANONYMOUS'}
    url = f'amqps://localhost:{PORT}'
    return BlockingConnection(url, timeout=10, ssl_domain=domain, **login, **options)


def put_token(connection, token):
    receiver = connection.create_receiver('$cbs', credit=1)
    sender = connection.create_sender('$cbs')
    properties = {
        'operation': 'put-token',
        'type': 'servicebus.windows.net:sastoken',
        'name': f'localhost{DEVICE}',
    }
    sender.send(Message(id='put', reply_to='cbs', properties=properties, body=token))
    # Answers come settled.
    answer = receiver.receive()
    receiver.close()
    sender.close()
    return answer.properties['status-code'], answer.correlation_id


def device(**options):
    connection = connect(**options)
    status, answers = put_token(connection, OPTIONS['token'])
    assert (status, answers) == (200, 'put'), (status, answers)
    return connection


def send(connection, sender, message):
    """The outcome, or the condition of a rejection."""
    delivery = sender.link.send(message)
    connection.wait(lambda: delivery.settled or delivery.remote_state, msg='the outcome')
    state = STATES[delivery.remote_state]
    condition = delivery.remote.condition
    delivery.settle()
    return condition.name if condition else state


def data(body, **parts):
    return Message(body=body, inferred=True, **parts)


def telemetry():
    # Small frames: what is large goes in many transfers.
    connection = device(max_frame_size=4096)
    sender = connection.create_sender(EVENTS)
    properties = {'colour': 'red', 'count': 5}
    small = data(b'small', id='m-1', content_type=symbol('text/plain'), properties=properties)
    tell(outcome=send(connection, sender, small))
    tell(outcome=send(connection, sender, data(b'x' * 200_000)))
    tell(outcome=send(connection, sender, data(b'x' * 300_000)))
    tell(outcome=send(connection, sender, data(b'last')))
    connection.close()


def cloud_messages():
    # The smallest frames that there are.
    connection = device(max_frame_size=512)
    receiver = connection.create_receiver(CLOUD, credit=1)
    settle = {
        'accept': receiver.accept,
        'reject': receiver.reject,
        'release': lambda: receiver.release(delivered=False),
        'modify': lambda: receiver.release(delivered=True),
    }
    words = OPTIONS['settle']
    # Which comes first after a release is nobody's promise: what becomes of each is.
    while any(words.values()):
        message = receiver.receive()
        delivery = receiver.fetcher.unsettled[0]
        tell(
            id=message.id,
            to=message.address,
            bytes=len(message.body),
            count=message.annotations['iothub-deliverycount'],
            properties=message.properties,
            tag=len(delivery.tag.encode('utf8', 'surrogateescape')),
        )
        settle[words[message.id].pop(0)]()
    # An answer on the same connection comes behind what was settled.
    put_token(connection, OPTIONS['token'])
    connection.close()


def service():
    connection = connect(user='service@sas.root.localhost', password=OPTIONS['password'])
    sender = connection.create_sender('/messages/devicebound')
    feedback = connection.create_receiver('/messages/serviceBound/feedback', credit=1)
    properties = {'iothub-ack': 'full', 'colour': 'blue'}
    good = data(b'hello', id='c-1', address=CLOUD, properties=properties)
    tell(outcome=send(connection, sender, good))
    stranger = data(b'hello', address='/devices/nobody/messages/devicebound')
    tell(outcome=send(connection, sender, stranger))
    message = feedback.receive()
    feedback.accept()
    body = bytes(message.body)
    tell(content_type=str(message.content_type), user=message.user_id.decode(), body=json.loads(body))
    connection.close()


def twin():
    connection = device()
    receiver = connection.create_receiver(f'{DEVICE}/twin', credit=10)
    sender = connection.create_sender(f'{DEVICE}/twin')

    def ask(operation, resource=None, body=b' ', **annotations):
        annotated = {symbol('operation'): operation, **annotations}
        if resource:
            annotated[symbol('resource')] = resource
        sender.send(data(body, correlation_id=operation, annotations=annotated))
        answer = receiver.receive()
        tell(
            id=answer.correlation_id,
            status=answer.annotations['status'],
            version=answer.annotations.get('version'),
            body=bytes(answer.body or b'').decode(),
        )

    ask('PATCH', '/properties/reported', b'{"fw":"1.1"}')
    ask('PATCH', '/properties/reported', b'{"$bad":1}')
    ask('GET')
    ask('PUT', '/notifications/twin/properties/desired')
    tell(ready=True)
    change = receiver.receive()
    body = json.loads(bytes(change.body))
    tell(resource=change.annotations['resource'], body=body, id=change.correlation_id)
    connection.close()


def refusals():
    connection = connect()
    tell(status=put_token(connection, OPTIONS['token'])[0])
    try:
        connection.create_sender('/nowhere')
    except LinkDetached as refusal:
        tell(condition=refusal.condition)
    # The connection goes on.
    tell(status=put_token(connection, OPTIONS['good'])[0])
    tell(outcome=send(connection, connection.create_sender(EVENTS), data(b'x')))
    connection.close()
    try:
        connect(user='service@sas.root.localhost', password=OPTIONS['token'])
    except ConnectionException as refusal:
        tell(refusal=str(refusal))


def idle():
    connection = device(heartbeat=4)
    announced = connection.conn.transport.remote_idle_timeout
    start = time.monotonic()
    # Nothing is sent here; Proton gives up after four seconds without a frame.
    try:
        connection.wait(lambda: False, timeout=5)
    except Exception as end:
        tell(end=type(end).__name__)
    tell(announced=announced, silent=time.monotonic() - start)
    tell(outcome=send(connection, connection.create_sender(EVENTS), data(b'still there')))
    connection.close()


def oversized():
    """A frame that is larger than the hub's open allows; Proton only reads and writes what is around."""
    context = ssl.create_default_context(cafile=CA)
    raw = socket.create_connection(('localhost', PORT), timeout=10)
    stream = context.wrap_socket(raw, server_hostname='localhost')
    transport, connection = Transport(), Connection()
    transport.bind(connection)
    connection.container = 'proton'
    connection.open()

    def exchange(is_done):
        while not is_done():
            pending = transport.pending()
            if pending > 0:
                stream.sendall(transport.peek(pending))
                transport.pop(pending)
                continue
            received = stream.recv(65536)
            if not received:
                return
            transport.push(received)

    exchange(lambda: connection.state & Endpoint.REMOTE_ACTIVE)
    limit = transport.remote_max_frame_size
    stream.sendall((limit + 1).to_bytes(4, 'big') + bytes([2, 0, 0, 0]))
    exchange(lambda: connection.state & Endpoint.REMOTE_CLOSED)
    tell(limit=limit, condition=connection.remote_condition.name)


def close():
    connection = device()
    connection.create_sender(EVENTS)
    tell(ready=True)
    sys.stdin.readline()
    connection.conn.close()
    connection.wait(lambda: connection.conn.state & Endpoint.REMOTE_CLOSED, msg='the answer')
    condition = connection.conn.remote_condition
    tell(closed=True, condition=condition and condition.name)


SCENARIOS = [telemetry, cloud_messages, service, twin, refusals, idle, oversized, close]
{scenario.__name__: scenario for scenario in SCENARIOS}[SCENARIO]()
