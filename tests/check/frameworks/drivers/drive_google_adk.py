"""google-adk: an LlmAgent with LiteLlm in an InMemoryRunner."""
import stock
from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types


async def run(base_url, model, question):
    agent = LlmAgent(name="assistant", model=LiteLlm(model=f"openai/{model}", api_base=base_url, api_key=stock.KEY), instruction=stock.INSTRUCTIONS, tools=[stock.get_stock])
    runner = InMemoryRunner(agent=agent, app_name="stock")
    session = await runner.session_service.create_session(app_name="stock", user_id="user")
    said = ""
    async for event in runner.run_async(user_id="user", session_id=session.id, new_message=types.Content(role="user", parts=[types.Part(text=question)])):
        if event.is_final_response() and event.content:
            said = "".join(part.text or "" for part in event.content.parts)
    return said


if __name__ == "__main__":
    stock.main({"LlmAgent with LiteLlm": run})
