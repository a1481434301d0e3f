"""semantic-kernel: a ChatCompletionAgent with a plugin."""
import openai
import stock
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function


class Stock:
    @kernel_function(name="get_stock", description=stock.ABOUT)
    def get_stock(self, product: str) -> str:
        return stock.get_stock(product)


async def run(base_url, model, question):
    service = OpenAIChatCompletion(ai_model_id=model, async_client=openai.AsyncOpenAI(base_url=base_url, api_key=stock.KEY))
    agent = ChatCompletionAgent(service=service, name="assistant", instructions=stock.INSTRUCTIONS, plugins=[Stock()])
    return str((await agent.get_response(messages=question)).content)


if __name__ == "__main__":
    stock.main({"ChatCompletionAgent": run})
