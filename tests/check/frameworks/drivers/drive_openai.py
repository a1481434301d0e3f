"""The openai package: a loop over tool calls, written by hand as its users do, over both protocols, plain and streamed."""
import json

import openai
import stock

CHAT_TOOL = {"type": "function", "function": {"name": "get_stock", "description": stock.ABOUT, "parameters": stock.PARAMETERS}}
RESPONSES_TOOL = {"type": "function", "name": "get_stock", "description": stock.ABOUT, "parameters": stock.PARAMETERS, "strict": False}
TURNS = 6


def client_of(base_url):
    return openai.OpenAI(base_url=base_url, api_key=stock.KEY)


def chat_with(answer_of):
    """A loop over the messages that answer_of(client, request) returns."""
    def chat(base_url, model, question):
        client, messages = client_of(base_url), [{"role": "user", "content": question}]
        for _ in range(TURNS):
            message = answer_of(client, {"model": model, "messages": messages, "tools": [CHAT_TOOL]})
            if not message.tool_calls:
                return message.content
            messages.append(message)
            messages += [{"role": "tool", "tool_call_id": call.id, "content": stock.get_stock(**json.loads(call.function.arguments))} for call in message.tool_calls]
        return ""
    return chat


def plain(client, request):
    return client.chat.completions.create(**request).choices[0].message


def streamed(client, request):
    with client.chat.completions.stream(**request) as stream:
        return stream.get_final_completion().choices[0].message


def responses(base_url, model, question):
    client, items = client_of(base_url), [{"role": "user", "content": question}]
    for _ in range(TURNS):
        response = client.responses.create(model=model, input=items, tools=[RESPONSES_TOOL])
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        items += response.output
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": stock.get_stock(**json.loads(call.arguments))} for call in calls]
    return ""


def continued(base_url, model, question):
    client = client_of(base_url)
    response = client.responses.create(model=model, input=question, tools=[RESPONSES_TOOL])
    for _ in range(TURNS):
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return response.output_text
        outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": stock.get_stock(**json.loads(call.arguments))} for call in calls]
        response = client.responses.create(model=model, input=outputs, tools=[RESPONSES_TOOL], previous_response_id=response.id)
    return ""


if __name__ == "__main__":
    stock.main({"chat completions": chat_with(plain), "chat completions, streamed": chat_with(streamed), "Responses": responses, "Responses, previous_response_id": continued})
