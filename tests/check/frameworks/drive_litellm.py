"""litellm: a loop over tool calls with litellm.completion, plain and streamed."""
import json

import litellm
import rooms

TOOL = {"type": "function", "function": {"name": "room_of", "description": rooms.ABOUT, "parameters": rooms.PARAMETERS}}


def loop(base_url, model, question, stream):
    messages = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = litellm.completion(model=f"openai/{model}", api_base=base_url, api_key=rooms.KEY, messages=messages, tools=[TOOL], stream=stream)
        if stream:
            answer = litellm.stream_chunk_builder(list(answer), messages=messages)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": rooms.room_of(**json.loads(call.function.arguments))}
                     for call in message.tool_calls]
    return ""


if __name__ == "__main__":
    rooms.main({"completion": lambda *about: loop(*about, stream=False), "completion, streamed": lambda *about: loop(*about, stream=True)})
