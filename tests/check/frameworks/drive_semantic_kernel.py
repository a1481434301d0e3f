"""semantic-kernel: a ChatCompletionAgent with a plugin."""
import openai
import rooms
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.functions import kernel_function


class Rooms:
    @kernel_function(name="room_of", description=rooms.ABOUT)
    def room_of(self, name: str) -> str:
        return rooms.room_of(name)


async def run(base_url, model, question):
    service = OpenAIChatCompletion(ai_model_id=model, async_client=openai.AsyncOpenAI(base_url=base_url, api_key=rooms.KEY))
    agent = ChatCompletionAgent(service=service, name="assistant", instructions=rooms.INSTRUCTIONS, plugins=[Rooms()])
    return str((await agent.get_response(messages=question)).content)


if __name__ == "__main__":
    rooms.main({"ChatCompletionAgent": run})
