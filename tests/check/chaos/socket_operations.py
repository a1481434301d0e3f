"""The part of a client of the suite chaos that uses its WebSocket: lanes, steering, resuming, and chains of unstored responses."""
import asyncio
import json

from tests.check.chaos.model import TERMINAL
from tests.support.wire import WebSocket

MCP = {"type": "mcp", "server_label": "baton"}
LANES = ["a", "b", "c", "d"]


class SocketOperations:
    """A part of Client, whose world, random, patience, note() and others it uses."""

    async def connect(self):
        if not self.socket or not self.socket.reader:
            self.lanes = {}
            self.socket = await WebSocket(self.world.daemon.port).open()

    async def pump(self, until):
        """Reads messages into their lanes until `until(message)`. Returns that message."""
        async with asyncio.timeout(self.patience):
            while True:
                message = await self.socket.receive()
                lane = self.lanes.get(message.get("stream_id", ""))
                if lane:
                    self.take(lane, message)
                if message.get("type") == "error" and message.get("status", 0) >= 500 and message["status"] not in (503, 507):
                    self.world.blame("500", f"on a WebSocket: {json.dumps(message)[:300]}", lane and lane["run"])
                if until(message):
                    return message

    def take(self, lane, message):
        type_ = message.get("type", "")
        if type_ == "error":
            lane["busy"] = False
            self.note(lane["run"], f"on lane: {message.get('code')} {message.get('message')}")
        elif type_ == "response.created":
            lane["run"], lane["last"], lane["busy"] = self.world.learn(message["response"], lane["stored"], self.index, lane.get("private", False)), -1, True
            self.note(lane["run"], f"created (socket): {lane['text']}")
        if lane["run"] and type_ != "error":
            lane["last"] = self.world.told_event(lane["run"], lane["last"], message, "socket", merges=True)
        if type_ in TERMINAL:
            lane["busy"] = False

    async def free_lane(self):
        await self.connect()
        while True:
            for name in LANES:
                if name not in self.lanes or not self.lanes[name]["busy"]:
                    return name
            self.doing = "waiting for a lane whose response is under way"
            await self.pump(lambda message: not all(lane["busy"] for lane in self.lanes.values()))

    async def create_on_socket(self, body, stored, wait):
        """The lane, and the message that ended the waiting."""
        name = await self.free_lane()
        lane = self.lanes[name] = {"busy": True, "run": None, "last": -1, "stored": stored, "text": body["input"]}
        if "previous_response_id" in body:
            lane["text"] += f" after {body['previous_response_id']}"
        self.doing = f"socket create {json.dumps(body)[:300]}"
        await self.socket.send(dict(body, type="response.create", stream_id=name))
        if not wait:
            return lane, None
        return lane, await self.pump(lambda message: not lane["busy"])

    async def chain(self):
        """Responses that are not stored, each continued from the last over one WebSocket: that must work."""
        await self.connect()
        previous = None
        for _ in range(self.random.randint(2, 5)):
            body = {"input": "say turn", "store": False, "metadata": {"n": str(self.world.next_number())}}
            if previous:
                body["previous_response_id"] = previous.id
            lane, message = await self.create_on_socket(body, False, wait=True)
            if message["type"] == "error":
                if message.get("status", 0) < 500:
                    self.world.blame("answer", f"an unstored response cannot be continued on its own WebSocket: {json.dumps(message)[:300]}", previous)
                return
            previous = lane["run"]

    async def steer(self):
        name = await self.free_lane()
        lane = self.lanes[name] = {"busy": True, "run": None, "last": -1, "stored": True, "text": "slow, to be steered", "private": True}
        text = self.random.choice(["slow 100", 'call wait {"ms": 200}', "slow 5"])
        self.doing = f"steering '{text}'"
        await self.socket.send({"type": "response.create", "stream_id": name, "input": text, "tools": [MCP], "metadata": {"n": str(self.world.next_number())}})
        message = await self.pump(lambda message: message.get("stream_id") == name and (message["type"] == "error" or message["sequence_number"] >= 2))
        if message["type"] == "error" or not lane["run"]:
            return
        first = self.about = lane["run"]
        self.note(first, "steered")
        await self.socket.send({"type": "response.steer", "previous_response_id": first.id, "input": "say steered"})
        seen = {"accepted": False}

        def settled(message):
            seen["accepted"] = seen["accepted"] or message["type"] == "response.steer.accepted"
            if message["type"] == "error":
                return message.get("stream_id", name) == name
            return message["type"] in ("response.steer.failed", "response.steer.pending") or (not lane["busy"] and lane["run"] is not first)
        await self.pump(settled)

    async def resume_socket(self):
        run = self.pick()
        if not run:
            return
        name = await self.free_lane()
        after = self.position(run)
        lane = self.lanes[name] = {"busy": True, "run": run, "last": after, "stored": run.stored, "text": "resume"}
        self.doing = f"baton.resume {run.id} after {after} (it ended with event {run.last})"
        self.about = run
        self.note(run, f"resume on a socket after {after}")
        await self.socket.send({"type": "baton.resume", "stream_id": name, "response_id": run.id, "starting_after": after})
        if run.last is not None and after >= run.last:  # whatever the answer, the lane is free afterwards
            lane["busy"] = False
            lane["run"] = None
            mark = str(self.world.next_number())
            lane["text"] = "say after resuming"
            await self.socket.send({"type": "response.create", "stream_id": name, "input": "say after resuming", "metadata": {"n": mark}})
            await self.pump(lambda message: message.get("stream_id") == name and message.get("type") in TERMINAL and message["response"].get("metadata", {}).get("n") == mark
                            or message.get("type") == "error" and message.get("status") in (503, 507))
        else:
            await self.pump(lambda message: not lane["busy"])

    async def disconnect(self):
        if self.socket:
            self.socket.close()
        self.socket, self.lanes = None, {}
