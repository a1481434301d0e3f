"""pydantic-ai: an Agent that answers in words, and one that answers in a structure, over both protocols."""
import pydantic
import pydantic_ai
import stock
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class Stock(pydantic.BaseModel):
    """How many pieces of a product there are."""
    product: str
    pieces: int


def agent_of(kind, base_url, model, **options):
    return pydantic_ai.Agent(kind(model, provider=OpenAIProvider(base_url=base_url, api_key=stock.KEY)), instructions=stock.INSTRUCTIONS, tools=[stock.get_stock], **options)


async def chat(base_url, model, question):
    return (await agent_of(OpenAIChatModel, base_url, model).run(question)).output


async def responses(base_url, model, question):
    return (await agent_of(OpenAIResponsesModel, base_url, model).run(question)).output


async def structured(base_url, model, question):
    return (await agent_of(OpenAIChatModel, base_url, model, output_type=Stock).run(question)).output.model_dump_json()


async def native(base_url, model, question):
    return (await agent_of(OpenAIChatModel, base_url, model, output_type=pydantic_ai.NativeOutput(Stock)).run(question)).output.model_dump_json()


if __name__ == "__main__":
    stock.main({"Agent, chat completions": chat, "Agent, Responses": responses, "Agent with output_type (a tool), chat completions": structured,
                "Agent with NativeOutput, chat completions": native})
