"""The unmodified openai package against a Baton daemon: HTTP, a stream, a WebSocket. Usage: openai_client.py [http://127.0.0.1:8377/v1]"""
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8377/v1", api_key="none needed on loopback")
model = client.models.list().data[0].id
tools = [{"type": "mcp", "server_label": "baton"}]  # all of the daemon's; "allowed_tools": ["calculate"] names some

# One answer, with a tool that the daemon runs.
response = client.responses.create(model=model, input="What is 12.5% of 640?", tools=tools)
for item in response.output:
    if item.type == "mcp_call":
        print(f"-> {item.name} {item.arguments}\n<- {item.output}")
print(response.output_text)

# The next question, as a stream.
with client.responses.create(model=model, input="Say that again in five words.", previous_response_id=response.id, stream=True) as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
print()

# Two lanes of one WebSocket.
with client.responses.connect() as connection:
    for lane in ("left", "right"):
        connection.response.create(model=model, input=f"Name a thing on the {lane} of a street.", max_output_tokens=20, stream_id=lane)
    ended = 0
    for event in connection:
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            print(f"{event.stream_id}: {event.response.output_text}")
            ended += 1
        if ended == 2:
            break
