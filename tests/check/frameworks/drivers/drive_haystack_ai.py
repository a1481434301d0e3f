"""haystack-ai: an Agent with a tool, over both protocols."""
import stock
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret


def run(kind, base_url, model, question):
    generator = kind(api_key=Secret.from_token(stock.KEY), api_base_url=base_url, model=model)
    agent = Agent(chat_generator=generator, tools=[create_tool_from_function(stock.get_stock)], max_agent_steps=6)
    return agent.run(messages=[ChatMessage.from_user(question)])["last_message"].text


if __name__ == "__main__":
    stock.main({"Agent, chat completions": lambda *about: run(OpenAIChatGenerator, *about), "Agent, Responses": lambda *about: run(OpenAIResponsesChatGenerator, *about)})
