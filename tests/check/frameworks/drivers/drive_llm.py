"""llm: a model of its extra-openai-models.yaml, with a tool and a chain, which streams."""
import json
import os
import pathlib
import tempfile

import stock

CHAT, RESPONSES = "baton", "baton-responses"


def configured(base_url, model):
    """The user's folder of llm, with Baton in it: JSON is YAML, too."""
    folder = pathlib.Path(os.environ.setdefault("LLM_USER_PATH", tempfile.mkdtemp(prefix="baton-llm-")))
    entry = {"model_name": model, "api_base": base_url, "supports_tools": True}
    (folder / "extra-openai-models.yaml").write_text(json.dumps([entry | {"model_id": CHAT}, entry | {"model_id": RESPONSES, "responses": True}]), encoding="utf-8")
    import llm
    return llm


def run(name, base_url, model, question):
    return configured(base_url, model).get_model(name).chain(question, tools=[stock.get_stock]).text()


if __name__ == "__main__":
    stock.main({"chain, chat completions": lambda *about: run(CHAT, *about), "chain, Responses": lambda *about: run(RESPONSES, *about)})
