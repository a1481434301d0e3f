"""instructor: the arguments of the call as one structure, the answer from the call's result as another, in its modes for tools and for schemas."""
import instructor
import openai
import pydantic
import rooms


class RoomOf(pydantic.BaseModel):
    """Tells which room a person works in."""
    name: str = pydantic.Field(description="The person's first name.")


class Answer(pydantic.BaseModel):
    """The answer to the question."""
    person: str
    room: str


def two_steps(mode, base_url, model, question):
    client = instructor.from_openai(openai.OpenAI(base_url=base_url, api_key=rooms.KEY), mode=mode)
    messages = [{"role": "user", "content": question}]
    call = client.chat.completions.create(model=model, messages=messages, response_model=RoomOf)
    found = rooms.room_of(call.name)
    messages.append({"role": "user", "content": f"{call.name} works in {found}. {question}"})
    return client.chat.completions.create(model=model, messages=messages, response_model=Answer).model_dump_json()


if __name__ == "__main__":
    rooms.main({"create(response_model), Mode.TOOLS": lambda *about: two_steps(instructor.Mode.TOOLS, *about),
                "create(response_model), Mode.JSON_SCHEMA": lambda *about: two_steps(instructor.Mode.JSON_SCHEMA, *about)})
