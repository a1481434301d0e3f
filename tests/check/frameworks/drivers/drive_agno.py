"""agno: an Agent with a tool, over both protocols."""
import stock
from agno.agent import Agent
from agno.models.openai import OpenAILike, OpenAIResponses


def run(kind, base_url, model, question):
    return Agent(model=kind(id=model, base_url=base_url, api_key=stock.KEY), tools=[stock.get_stock], telemetry=False).run(question).content


if __name__ == "__main__":
    stock.main({"Agent with OpenAILike": lambda *about: run(OpenAILike, *about), "Agent with OpenAIResponses": lambda *about: run(OpenAIResponses, *about)})
