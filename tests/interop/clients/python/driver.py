"""aiocometd as a driver of peers; remote.mjs says how it is spoken to."""

import asyncio
import json
import sys

from aiocometd_ng import AuthExtension, Client, ConnectionType, Extension

TRANSPORTS = {"long-polling": ConnectionType.LONG_POLLING, "websocket": ConnectionType.WEBSOCKET}


def tell(line):
    print(json.dumps(line), flush=True)


class Headers(AuthExtension):
    """Has every request bear the same headers."""

    def __init__(self, headers):
        self.headers = headers

    async def outgoing(self, payload, headers):
        headers.update(self.headers)

    async def incoming(self, payload, headers=None):
        pass

    async def authenticate(self):
        pass


class Watch(Extension):
    """Tells of handshakes and connects."""

    def __init__(self, take):
        self.take = take
        self.shaken = None

    async def outgoing(self, payload, headers):
        pass

    async def incoming(self, payload, headers=None):
        connected = False
        for message in payload:
            if message["channel"] == "/meta/handshake" and message["successful"]:
                self.shaken = message["clientId"]
            if message["channel"] == "/meta/connect":
                connected = message["successful"]
                self.take({"connect": connected})
        # The client subscribes again in the request of the first connect.
        if connected and self.shaken:
            self.take({"handshake": self.shaken})
            self.shaken = None


class Driver:
    """One client. It has no remote calls: it takes what comes from a service and has an id for a reply, and drops it."""

    def __init__(self, take):
        self.take = take
        self.client = None
        self.reader = None

    async def open(self, options):
        # It keeps cookies of names only, not of addresses.
        url = options["url"].replace("127.0.0.1", "localhost")
        self.client = Client(
            url,
            TRANSPORTS[options["transport"]],
            # With a time it fails when a connection does: it passes an event loop as Python no longer has it.
            connection_timeout=0,
            auth=Headers(options["headers"]),
            extensions=[Watch(self.take)],
        )
        await self.client.open()
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        async for message in self.client:
            self.take({"wire": {"channel": message["channel"], "data": message["data"]}})

    async def subscribe(self, channel):
        await self.client.subscribe(channel)

    async def unsubscribe(self, channel):
        await self.client.unsubscribe(channel)

    async def publish(self, channel, data):
        await self.client.publish(channel, data)

    async def transport(self):
        return self.client.connection_type.value

    async def close(self):
        if self.reader:
            self.reader.cancel()
        if self.client:
            await self.client.close()


async def carry_out(drivers, line):
    peer = line["peer"]
    if peer not in drivers:
        drivers[peer] = Driver(lambda event: tell({"peer": peer, "event": event}))
    try:
        value = await getattr(drivers[peer], line["do"])(*line["with"])
        tell({"call": line["call"], "value": value})
    except Exception as error:  # Whatever it is, the test is to hear of it.
        tell({"call": line["call"], "error": repr(error)})


async def main():
    lines = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    drivers, tasks = {}, set()
    while line := await lines.readline():
        task = asyncio.create_task(carry_out(drivers, json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
