"""A WebSocket client without any SDK. Usage: websocket_client.py [ws://127.0.0.1:8377/v1/responses [QUESTION]]   (pip install websockets)"""
import json
import sys

from websockets.sync.client import connect

url = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8377/v1/responses"
question = sys.argv[2] if len(sys.argv) > 2 else "What time is it in Tokyo?"

with connect(url) as socket:
    tools = [{"type": "mcp", "server_label": "baton"}]
    socket.send(json.dumps({"type": "response.create", "input": question, "tools": tools}))
    for message in socket:
        event = json.loads(message)
        if event["type"] == "response.output_text.delta":
            print(event["delta"], end="", flush=True)
        elif event["type"] == "response.output_item.done" and event["item"]["type"] == "mcp_call":
            print(f"-> {event['item']['name']} {event['item']['arguments']}\n<- {event['item']['output']}")
        elif event["type"] == "error":
            sys.exit(event["error"]["message"])
        elif event["type"] in ("response.completed", "response.incomplete", "response.failed"):
            print(f"\n[{event['response']['status']}, sequence number {event['sequence_number']}: resume with baton.resume]")
            break
