"""One client of the suite chaos: its operations, and its judgement of the answers."""
import asyncio
import json
import random

from tests.check.chaos.model import TERMINAL
from tests.check.chaos.socket_operations import MCP, SocketOperations
from tests.support.wire import Answer, Closed, Http

SHOP = {"type": "function", "name": "shop", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}


class Client(SocketOperations):
    """Does one operation after the other; all choices come from its own seed."""

    def __init__(self, world, index, patience):
        self.world, self.index, self.patience = world, index, patience
        self.random = random.Random(f"{world.seed}-{index}")
        self.http = Http(world.daemon.port)
        self.socket, self.lanes = None, {}

    OPERATIONS = {"create": 30, "cancel": 7, "delete": 5, "retrieve": 10, "input_items": 2, "resume": 10, "resume_socket": 5, "approve": 12, "answer_call": 5,
                  "conversations": 8, "steer": 5, "chain": 3, "lists": 3, "disconnect": 2, "chat": 2, "nonsense": 1, "probes": 2}

    async def work(self, limit):
        names, weights = list(self.OPERATIONS), list(self.OPERATIONS.values())
        while self.world.operations < limit and not self.world.stopping:
            await self.until_up()
            if self.world.pause:
                await asyncio.sleep(0.01)
                continue
            self.world.operations += 1
            self.world.under_way += 1
            self.refused = False
            await self.operate(self.random.choices(names, weights)[0])
            self.world.under_way -= 1
            if self.world.pace:
                await asyncio.sleep(self.random.uniform(0, 2 * self.world.pace))
            if self.refused:
                await asyncio.sleep(0.05)  # instead of the seconds of Retry-After
        self.leave()

    async def until_up(self):
        while not self.world.up.is_set():  # it may be gone again before we wake
            await self.world.up.wait()

    async def operate(self, name):
        world = self.world
        generation = world.generation
        if generation != self.generation:  # the connections belong to a daemon that has ended
            self.leave()
            self.generation = generation
        self.doing = name
        try:
            await getattr(self, name)()
        except Closed as closed:
            self.leave()
            if generation == world.generation and world.up.is_set():
                await asyncio.sleep(0.05)  # the daemon may just have died, which is reported like that
                if generation == world.generation and world.up.is_set():
                    world.blame("hang", f"client {self.index}, {self.doing}: no answer from a daemon that lives: {closed}")
        except TimeoutError:
            self.leave()
            world.blame("hang", f"client {self.index}, {self.doing}: not answered within {self.patience} s", self.about)
        finally:
            self.about = None

    about, generation = None, 0

    def leave(self):
        self.http.close()
        if self.socket:
            self.socket.close()
        self.socket, self.lanes = None, {}

    def note(self, run, text):
        if run:
            run.log.append(f"{self.world.now():8.2f} client {self.index:2} {text}")

    # ---- answers

    def judge(self, answer, what, allowed, run=None, http=None):
        """Blames an answer that is not among `allowed`. True: 200."""
        status = answer.status
        self.world.answers[f"{what.split(' ')[0]} {status}"] += 1
        self.note(run, f"{what} -> {status} {answer.code() or ''}")
        if status == 200:
            return True
        self.refused = self.refused or status >= 500
        if status == 503 or (status == 507 and self.world.now() < self.world.full_until):
            if "retry-after" not in answer.headers:
                self.world.blame("answer", f"{what}: {status} without Retry-After: {answer.body[:200]!r}", run)
        elif status >= 500:
            self.world.blame("500", f"{what}: {status} {answer.body[:300]!r}", run)
        elif status not in allowed:
            self.world.blame("answer", f"{what}: {status} {answer.body[:300]!r}", run)
        return False

    async def ask(self, method, path, body=None, headers=(), http=None):
        self.doing = f"{method} {path} {json.dumps(body)[:300] if body else ''}"
        async with asyncio.timeout(self.patience):
            return await (http or self.http).request(method, path, body, headers)

    # ---- creating

    def body(self):
        """A creation. (body, stored, run that it continues, statuses beside 200)"""
        chance, world = self.random, self.world
        n = world.next_number()
        text = chance.choice(["say hello", "say a longer answer of some words", f"slow {chance.randint(1, 40)}", f"slow {chance.randint(1, 200)} 2", f'call send {{"n": {n}}}',
                              f'call send {{"n": {n}}} ; add {{"a": 1, "b": 2}}', f'call wait {{"ms": {chance.randint(1, 100)}}}', f'call ask_first {{"n": {n}}}',
                              f'call ask_first {{"n": {n}}}', 'call shop {"what": "milk"}', "fail", "anything"])
        body = {"input": text, "tools": [MCP] + ([SHOP] if "shop" in text else []), "metadata": {"n": str(n)}}
        if chance.random() < 0.5:
            body["baton.max_seconds"] = 3600
        stored = chance.random() < 0.75
        if not stored:
            body["store"] = False
        previous, allowed = None, set()
        choice = chance.random()
        if choice < 0.35 and world.recent:
            previous = chance.choice(world.recent)
            body["previous_response_id"] = previous.id
            allowed = {409, 400} | ({404} if previous.may_be_gone() else set())
        elif choice < 0.5 and stored and world.some_conversations():
            body["conversation"] = chance.choice(world.some_conversations()).id
            allowed = {409, 400, 404}
        return body, stored, previous, allowed

    async def create(self):
        body, stored, previous, allowed = self.body()
        mode = self.random.choices(["json", "stream", "background", "socket"], [3, 4, 2, 3])[0]
        if mode == "background" and not stored:
            mode = "stream"
        key = [("Idempotency-Key", f"k{self.world.seed}-{body['metadata']['n']}")] if self.random.random() < 0.2 else []
        if mode == "socket":
            return await self.create_on_socket(body, stored, wait=self.random.random() < 0.7)
        try:
            await self.create_over_http(body, stored, previous, allowed, mode, key)
        except Closed:
            self.http.close()
            if not key or self.random.random() < 0.3:
                raise
            self.world.once.add(body["metadata"]["n"])
            await self.until_up()
            await self.create_over_http(body, stored, previous, allowed | {409}, mode, key)

    async def create_over_http(self, body, stored, previous, allowed, mode, key):
        if mode == "stream":
            return await self.create_stream(dict(body, stream=True), stored, previous, allowed, key)
        answer = await self.ask("POST", "/v1/responses", dict(body, background=True) if mode == "background" else body, key)
        if previous and previous.may_be_gone():
            allowed = allowed | {404}
        if self.judge(answer, f"{mode} {body['input']}", allowed, previous):
            response = answer.json()
            run = self.world.learn(response, stored, self.index)
            self.note(run, f"created ({mode}): {body['input']}" + (f" after {previous.id}" if previous else ""))
            if mode == "json" and response.get("status") in ("in_progress", "queued"):
                self.world.blame("end", f"the answer to a creation has the status {response['status']}", run)
            self.world.told_status(run, response)

    async def create_stream(self, body, stored, previous, allowed, key):
        self.doing = f"POST /v1/responses {json.dumps(body)[:300]}"
        cut = self.random.randint(1, 12) if self.random.random() < 0.3 else None
        http = Http(self.world.daemon.port)
        try:
            async with asyncio.timeout(self.patience):
                await http.send("POST", "/v1/responses", body, key)
                await self.read_stream(http, f"stream {body['input']}", -1, allowed, previous, cut, stored=stored)
        finally:
            http.close()

    async def read_stream(self, http, what, last, allowed, run, cut, stored=None):
        """Of a new response where `stored` is given, else of `run`."""
        world = self.world
        status, headers = await http.head()
        if status != 200:
            answer = Answer(status, headers, b"".join([piece async for piece in http.pieces(headers)]))
            if run and run.may_be_gone():
                allowed = allowed | {404}
            return self.judge(answer, what, allowed, run)
        created = run if stored is None else None
        ended = beside = False
        first = last
        async for event in http.events(headers):
            if created is None and "response" in event:
                created = self.about = world.learn(event["response"], stored, self.index)
                self.note(created, f"created ({what})" + (f" after {run.id}" if run else ""))
            if event.get("type", "").startswith(("error", "baton.")):
                beside = True
            if created:
                last = world.told_event(created, last, event, what)
            if event.get("type") in TERMINAL:
                ended = True
            if cut is not None and last >= first + cut and not ended:
                self.note(created, f"{what}: left after event {last}")
                return
        self.note(created, f"{what}: events {first + 1} to {last}, {'ended' if ended else 'cut'}")
        if not ended and not beside and not (created and created.may_be_gone()) and not (created and created.status and last == first):
            raise Closed(f"{what}: the stream ended after event {last}, before the response did")

    # ---- responses

    def pick(self):
        return self.random.choice(self.world.recent) if self.world.recent else None

    def position(self, run):
        """A place to resume from: any that was told, or the last one."""
        last = max(run.told, default=-1) if run.last is None else run.last
        return last if self.random.random() < 0.3 else self.random.randint(-1, last)

    async def about_run(self, method, path, what, allowed=frozenset()):
        run = self.about = self.pick()
        if not run:
            return None, None, None
        before = run.status
        answer = await self.ask(method, path.format(run.id))
        allowed = set(allowed) | ({404} if run.may_be_gone() else set())
        return run, before, (answer.json() if self.judge(answer, what, allowed, run) else None)

    async def retrieve(self):
        run, before, response = await self.about_run("GET", "/v1/responses/{}", "retrieve")
        if response:
            self.world.told_status(run, response, before)

    async def input_items(self):
        await self.about_run("GET", "/v1/responses/{}/input_items", "input items")

    async def cancel(self):
        run, before, response = await self.about_run("POST", "/v1/responses/{}/cancel", "cancel", {409})
        if response:
            if response.get("status") in ("queued", "in_progress"):
                self.world.blame("end", f"a cancelled response is {response['status']}", run)
            self.world.told_status(run, response, before)

    async def delete(self):
        run = self.about = self.pick()
        if not run:
            return
        run.deletions += 1
        answer = await self.ask("DELETE", f"/v1/responses/{run.id}")
        self.judge(answer, "delete", {409, 404}, run)
        if answer.status in (409, 503, 507):
            run.deletions -= 1

    async def resume(self):
        run = self.about = self.pick()
        if not run:
            return
        after = self.position(run)
        what = f"resume after {after}"
        self.doing = f"GET /v1/responses/{run.id}?stream=true&starting_after={after} (it ended with event {run.last})"
        http = Http(self.world.daemon.port)
        cut = self.random.randint(1, 12) if self.random.random() < 0.3 else None
        try:
            async with asyncio.timeout(self.patience):
                await http.send("GET", f"/v1/responses/{run.id}?stream=true&starting_after={after}")
                await self.read_stream(http, what, after, set(), run, cut)
        finally:
            http.close()

    # ---- approvals, and calls of the client's functions

    async def approve(self):
        if not self.world.open_approvals:
            return
        approval = self.random.choice(self.world.open_approvals)
        approval.tries += 1
        if approval.tries > 4:
            self.world.open_approvals.remove(approval)
        approve = self.random.random() < 0.75
        copies = self.random.choice([1, 1, 1, 2, 4])
        await asyncio.gather(*[self.approve_once(approval, approve, own=Http(self.world.daemon.port)) for _ in range(copies)])

    async def approve_once(self, approval, approve, own):
        world, run = self.world, approval.run
        body = {"input": [{"type": "mcp_approval_response", "approval_request_id": approval.id, "approve": approve}], "previous_response_id": run.id, "tools": [MCP],
                "metadata": {"n": str(world.next_number())}}
        key = [("Idempotency-Key", f"a{world.seed}-{body['metadata']['n']}")] if self.random.random() < 0.5 else []
        first = approval.approving == 0
        approval.approving += approve
        try:
            answer = await self.ask("POST", "/v1/responses", body, key, http=own)
        finally:
            own.close()
        if b"expired" in answer.body:
            world.blame("answer", f"an approval of 24 hours has expired after {world.now():.0f} s: {answer.body[:200]!r}", run)
        if self.judge(answer, f"{'approve' if approve else 'refuse'} {approval.id}", {400, 409} | ({404} if run.may_be_gone() else set()), run):
            answered = world.learn(answer.json(), True, self.index)
            self.note(answered, f"created: {'approves' if approve else 'refuses'} {approval.id} of {run.id}")
            world.told_status(answered, answer.json())
            if not approve and first and approval.approving == 0:
                approval.refused = True

    async def answer_call(self):
        run = next((one for one in reversed(self.world.recent) if one.calls and self.random.random() < 0.5), None)
        if not run:
            return
        outputs = [{"type": "function_call_output", "call_id": call["call_id"], "output": "done"} for call in run.calls]
        answer = await self.ask("POST", "/v1/responses", {"input": outputs, "previous_response_id": run.id, "tools": [MCP, SHOP], "metadata": {"n": str(self.world.next_number())}})
        if self.judge(answer, "answer a call", {400, 409} | ({404} if run.may_be_gone() else set()), run):
            answered = self.world.learn(answer.json(), True, self.index)
            self.note(answered, f"created: answers a call of {run.id}")
            self.world.told_status(answered, answer.json())

    # ---- conversations, and the rest

    async def conversations(self):
        world, chance = self.world, self.random
        what = chance.choice(["create", "list", "add", "remove", "update", "get", "delete"])
        message = {"type": "message", "role": "user", "content": "hello there"}
        if what == "create" or not world.some_conversations():
            answer = await self.ask("POST", "/v1/conversations", {"metadata": {"a": "b"}, "items": [message] * chance.randint(0, 3)})
            if self.judge(answer, "create a conversation", set()):
                world.conversation(answer.json()["id"])
            return
        conversation = chance.choice(world.some_conversations())
        path = f"/v1/conversations/{conversation.id}"
        if what == "delete":
            conversation.deletions += 1  # and so all of its responses may be gone
            answer = await self.ask("DELETE", path)
            if answer.status in (409, 503, 507):
                conversation.deletions -= 1
        elif what == "list":
            answer = await self.ask("GET", path + "/items?limit=20&order=" + chance.choice(["asc", "desc"]))
            if answer.status == 200:
                conversation.items = [item["id"] for item in answer.json()["data"]]
        elif what == "add":
            conversation.edited = True
            answer = await self.ask("POST", path + "/items", {"items": [message]})
        elif what == "remove" and conversation.items:
            conversation.edited = True
            answer = await self.ask("DELETE", path + "/items/" + chance.choice(conversation.items))
        elif what == "update":
            answer = await self.ask("POST", path, {"metadata": {"c": "d"}})
        else:
            answer = await self.ask("GET", path)
        self.judge(answer, f"{what} conversation {conversation.id}", {404, 409})  # 404: deleted, or of a response that was not stored

    async def lists(self):
        answer = await self.ask("GET", "/v1/baton/conversations?limit=100")
        if self.judge(answer, "list conversations", set()):
            listed = {entry["id"] for entry in answer.json()["data"]} & self.world.unstored_conversations
            if listed:
                self.world.blame("kept", f"the list of conversations has {len(listed)} of responses that are not stored, such as {sorted(listed)[0]}")

    async def chat(self):
        answer = await self.ask("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "say hello"}], "n": self.random.choice([1, 1, 3])})
        if self.judge(answer, "chat", set()) and answer.json()["choices"][0]["message"]["content"] != "hello":
            self.world.blame("answer", f"a chat completion says {answer.body[:200]!r} instead of 'hello'")

    async def nonsense(self):
        answer = await self.ask("POST", "/v1/responses", {"input": "x", "nonsense": 1})
        self.judge(answer, "an unknown parameter", {400})

    async def probes(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = await self.ask("GET", path)
            if path != "/readyz" or answer.status != 503:
                self.judge(answer, path, set())
