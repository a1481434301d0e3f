"""litellm: a loop over tool calls with litellm.completion, plain and streamed."""
import json

import litellm
import stock

TOOL = {"type": "function", "function": {"name": "get_stock", "description": stock.ABOUT, "parameters": stock.PARAMETERS}}


def loop(base_url, model, question, stream):
    messages = [{"role": "user", "content": question}]
    for _ in range(6):
        answer = litellm.completion(model=f"openai/{model}", api_base=base_url, api_key=stock.KEY, messages=messages, tools=[TOOL], stream=stream)
        if stream:
            answer = litellm.stream_chunk_builder(list(answer), messages=messages)
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": stock.get_stock(**json.loads(call.function.arguments))}
                     for call in message.tool_calls]
    return ""


if __name__ == "__main__":
    stock.main({"completion": lambda *about: loop(*about, stream=False), "completion, streamed": lambda *about: loop(*about, stream=True)})
