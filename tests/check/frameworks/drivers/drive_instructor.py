"""instructor: the arguments of the call as one structure, the answer from the call's result as another, in its modes for tools and for schemas."""
import instructor
import openai
import pydantic
import stock


class GetStock(pydantic.BaseModel):
    """Get how many pieces of a product are in stock."""
    product: str = pydantic.Field(description="The product's name.")


class Answer(pydantic.BaseModel):
    """The answer to the question."""
    product: str
    pieces: int


def two_steps(mode, base_url, model, question):
    client = instructor.from_openai(openai.OpenAI(base_url=base_url, api_key=stock.KEY), mode=mode)
    messages = [{"role": "user", "content": question}]
    call = client.chat.completions.create(model=model, messages=messages, response_model=GetStock)
    found = stock.get_stock(call.product)
    messages.append({"role": "user", "content": f"{call.product}: {found}. {question}"})
    return client.chat.completions.create(model=model, messages=messages, response_model=Answer).model_dump_json()


if __name__ == "__main__":
    stock.main({"create(response_model), Mode.TOOLS": lambda *about: two_steps(instructor.Mode.TOOLS, *about),
                "create(response_model), Mode.JSON_SCHEMA": lambda *about: two_steps(instructor.Mode.JSON_SCHEMA, *about)})
