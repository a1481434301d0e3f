"""Plain English: how often prose that people read uses the phrases of issue 18, section 4, by product, tests and docs.

What is counted: the comments and string literals of C++ and CUDA files (consecutive comment lines are one text, and so are adjacent
literals), the docstrings and comments of Python, the comments of shell and CMake files, and Markdown except its headings. A raw string
literal is data (a template, a grammar), and is left out. Product: agent, llm, tools, memory, kernels. Tests: tests. Docs: all else.

Plain English that only looks like a phrase is not counted: "there is no", "is no longer" or "no more than", "stands for" and "stand-in",
"behind a proxy", "fall behind" and "leave behind", a question that begins with its question word. The bound of a row is 5 % of the issue's
figure, for each of the three areas. The issue counted the product of about commit ca73586; this script counts there, in the order of
PHRASES, 53, 201, 80, 72, 62 and 36.

`python3 -m tests.check.plain_english [FILE or FOLDER ...]` prints each place instead, as FILE:LINE: phrase: text.
"""
import ast
import io
import pathlib
import re
import subprocess
import sys
import tokenize

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRODUCT = ("agent", "llm", "tools", "memory", "kernels")
AREAS = ("product", "tests", "docs")
SHARE = 0.05

DEGREES = r"longer|more|less|fewer|better|worse|further|later|earlier|sooner|larger|smaller|greater|higher|lower|different"
SHIELDS = r"(?:an?|the|its|another) (?:\w+[ -]){0,2}(?:proxy|proxies|load balancer|firewall|NAT|gateway|flag|interface|screen|wall)"
# phrase: (expression, the figure). A sentence begins a text, or follows a full stop, a colon, a border or a bracket.
PHRASES = {
    '"is no X" for "is not a"': (rf"(?<!\bthere )(?<!\bThere )\b(?:[Ii]s|[Aa]re) no\b(?! (?:{DEGREES})\b)(?!-)", 104),
    'sentences that begin with "What" or "Who"': (r"(?:^|[.:!?*(|] +|[\"`(] ?)(?:What|Whatever|Who|Whoever)\b(?![^.]*\?)", 181),
    '"stands" for "is"': (r"\b(?<!it )(?:[Ss]tands?)\b(?!-| for\b| in for\b| out\b| alone\b)", 96),
    '"behind" for "after"': (rf"(?<!look-)(?<!fall )(?<!falls )(?<!left )(?<!leave )(?<!leaves )\b[Bb]ehind\b(?! {SHIELDS}\b)", 61),
    '"goes on" for "continues"': (r"\b[Gg]o(?:es)? on\b", 53),
    '"nobody" for "no client"': (r"\b[Nn]obody\b", 32),
}

CPP_TOKENS = re.compile(
    r"""(?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*")|'(?:\\.|[^'\\\n])+'|\.?\d(?:'?[\w.])*|[A-Za-z_]\w*|\n|[^\S\n]+|.""", re.DOTALL)


def cpp_texts(source):
    """(line, text) of each comment, adjacent lines joined, and of each string literal, adjacent literals joined."""
    texts, previous, line, gap = [], "", 1, 0
    for token in CPP_TOKENS.finditer(source):
        kind, text = token.lastgroup, token.group()
        if kind == "mark" or text.isspace():
            gap += text.count("\n") if text.isspace() else 99
        elif kind in ("line", "string"):
            text = text[2:].lstrip("/!").strip() if kind == "line" else text[1:-1]
            if kind == previous and (gap <= 1 or kind == "string") and not (kind == "line" and not text):
                texts[-1][1] += (" " if kind == "line" else "") + text
            else:
                texts.append([line, text])
            previous, gap = kind, 0
        else:
            if kind == "block":
                texts.append([line, re.sub(r"\s*\n\s*\*?\s*", " ", text[2:-2]).strip("* ")])
            previous, gap = "", 0
        line += token.group().count("\n")
    return texts


def joined(lines):
    """(line, text) of lines that follow each other, from (number, text) pairs."""
    texts, last = [], None
    for number, text in lines:
        if last is not None and number == last + 1 and text:
            texts[-1][1] += " " + text
        else:
            texts.append([number, text])
        last = number
    return texts


def python_texts(source):
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    docstrings = [(node.body[0].lineno, " ".join(ast.get_docstring(node).split())) for node in nodes if ast.get_docstring(node)]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return docstrings + joined((token.start[0], token.string.lstrip("#! ")) for token in tokens if token.type == tokenize.COMMENT)


def hash_texts(source):
    found = ((number, re.match(r"\s*#(?!!)\s*(.*)", line)) for number, line in enumerate(source.split("\n"), 1))
    return joined((number, match.group(1)) for number, match in found if match)


def markdown_texts(source):
    """Paragraphs; a list entry or a table's line is a paragraph of its own."""
    texts, fresh = [], True
    for number, line in enumerate(source.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            fresh = True
            continue
        if fresh or re.match(r"[-*|>]|\d+\.", stripped):
            texts.append([number, re.sub(r"^(?:[-*|>]|\d+\.) *", "", stripped)])
        else:
            texts[-1][1] += " " + stripped
        fresh = stripped.startswith("|")
    return texts


READERS = dict.fromkeys((".cpp", ".h", ".cu", ".cuh"), cpp_texts) | dict.fromkeys((".sh", ".txt", ".cmake"), hash_texts)
READERS |= {".py": python_texts, ".md": markdown_texts}


def places(only=()):
    """(area, file, line, phrase, text around it) of each phrase in the files of the checkout."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--", *only], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\n")):
        path = ROOT / name
        reader = READERS.get(path.suffix) if path.suffix != ".txt" or path.name == "CMakeLists.txt" else None
        if reader is None or path == pathlib.Path(__file__).resolve() or not path.is_file():
            continue
        first = name.split("/", 1)[0]
        area = "product" if first in PRODUCT else "tests" if first == "tests" else "docs"
        for line, text in reader(path.read_text(encoding="utf-8", errors="replace")):
            for phrase, (expression, _) in PHRASES.items():
                for match in re.finditer(expression, text):
                    yield area, name, line, phrase, text[max(0, match.start() - 50):match.end() + 60]


def rows(_baton, _models_dir, _quick):
    from tests.support import suite
    found = list(places())
    for phrase, (_, figure) in PHRASES.items():
        for area in AREAS:
            count = sum(place[0] == area and place[3] == phrase for place in found)
            bound = int(figure * SHARE)
            yield suite.row(f"{phrase}: {area}", count, target=f"<= {bound}", ok=count <= bound, note=f"5 % of {figure}")


if __name__ == "__main__":
    for _area, name, line, phrase, text in places(sys.argv[1:]):
        print(f"{name}:{line}: {phrase}: {text}")
