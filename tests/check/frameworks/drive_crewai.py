"""crewai: a crew of one agent with a tool and one task."""
import crewai
import crewai.tools
import rooms


@crewai.tools.tool("room_of")
def room_of(name: str) -> str:
    """Tells which room a person works in. Give the person's first name."""
    return rooms.room_of(name)


def run(base_url, model, question):
    llm = crewai.LLM(model=f"openai/{model}", base_url=base_url, api_key=rooms.KEY)
    agent = crewai.Agent(role="Assistant", goal="Answer questions about where people work.", backstory="You work at the reception.", tools=[room_of], llm=llm, max_iter=6)
    task = crewai.Task(description=question, expected_output="The number of the room, in a sentence.", agent=agent)
    return crewai.Crew(agents=[agent], tasks=[task]).kickoff().raw


if __name__ == "__main__":
    rooms.main({"Crew of one agent": run})
