"""strands-agents: an Agent with a tool, which streams, over both protocols."""
import stock
import strands
from strands.models.openai import OpenAIModel
from strands.models.openai_responses import OpenAIResponsesModel


def run(kind, base_url, model, question):
    agent = strands.Agent(model=kind(client_args={"base_url": base_url, "api_key": stock.KEY}, model_id=model), tools=[strands.tool(stock.get_stock)], callback_handler=None)
    return str(agent(question))


if __name__ == "__main__":
    stock.main({"Agent, chat completions": lambda *about: run(OpenAIModel, *about), "Agent, Responses": lambda *about: run(OpenAIResponsesModel, *about)})
