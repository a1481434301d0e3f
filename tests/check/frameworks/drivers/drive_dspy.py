"""dspy: ReAct, whose turns are fields of a text that dspy describes, and ReActV2, which calls tools natively."""
import dspy
import stock


def react(kind, base_url, model, question):
    with dspy.context(lm=dspy.LM(f"openai/{model}", api_base=base_url, api_key=stock.KEY, cache=False)):
        return kind("question -> answer", tools=[stock.get_stock], max_iters=6)(question=question).answer


if __name__ == "__main__":
    stock.main({"ReAct": lambda *about: react(dspy.ReAct, *about), "ReActV2": lambda *about: react(dspy.ReActV2, *about)})
