"""The strings that the tokenizer oracle compares: seeded, so that a difference can be found again."""
import random
import unicodedata

SENTENCES = [
    "The quick brown fox jumps over the lazy dog; it's what they'd've done, I'll say, and we're sure you'd agree.",
    "Straßenbahnfahrer Müller isst größere Äpfel in Köln.", "L'élève a reçu une leçon très sévère à l'école, n'est-ce pas ?",
    "¿Dónde está el niño? ¡Mañana será otro día!", "Não há pão à mão amanhã.", "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ταχίστη αλώπηξ βαφής ψημένη γη, δρασκελίζει υπέρ νωθρού κυνός.", "שלום עולם, מה שלומך היום?", "مرحبا بالعالم، كيف حالك اليوم؟ ١٢٣",
    "नमस्ते दुनिया, आप कैसे हैं? १२३", "สวัสดีชาวโลก วันนี้เป็นอย่างไรบ้าง", "你好,世界!今天天气怎么样?", "いろはにほへと ちりぬるを 東京タワー123",
    "안녕하세요 세계, 오늘은 어떻습니까?", "Zażółć gęślą jaźń.", "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ışıl ışıl.",
    "Xin chào thế giới, hôm nay thế nào?", "გამარჯობა მსოფლიო", "Բարեւ աշխարհ", "ሰላም ልዑል", "ສະບາຍດີ", "ကမ္ဘာကြီး မင်္ဂလာပါ", "ជំរាបសួរ", "Þórður ætlaði í æfingu.",
]
CODE = [
    "def f(x: int) -> list[int]:\n    return [i ** 2 for i in range(x) if i % 2 == 0]\n", "#include <vector>\nint main() { std::vector<int> v{1, 2, 3}; return v[0]; }\n",
    "SELECT a.id, COUNT(*) AS n FROM t_items a WHERE a.price >= 17.5 GROUP BY 1;", '{"name": "get_weather", "arguments": {"city": "Köln", "days": 3}}',
    "<div class=\"box\"><b>bold</b> &amp; <i>it</i></div>", "for (let i = 0; i < arr.length; i++) {\n\t\tconsole.log(`${arr[i]}`);\n}\n", "\t\tif err != nil {\r\n\t\t\treturn err\r\n\t\t}\r\n",
    "https://example.org/a/b?c=d&e=%20f#g", "0x1F600 + 1e-9 == 3.14159265358979 && !flag || ~mask", "    # comment\n        x = 1\n\n\n\n        y = 2\n", "\\begin{align} \\frac{1}{2} \\end{align}",
    "sudo apt-get install -y foo_bar-2.0 2>/dev/null | grep -E '^[a-z]+$'", "CamelCaseIdentifierWithNumbers123AndHTTPServer",
]
EMOJI = ["😀", "🎉", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "🇯🇵", "❤️", "☕", "🧑‍💻", "🫠", "1️⃣", "‼️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\n\n", "\u00a0", "\u0085", "\u1680", "\u180e", "\u2000", "\u2003", "\u200a", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
          "\ufeff", "\x0b", "\x0c", "\x1c", "\x1f", "\u2581"]
ENDINGS = ["'s", "'S", "'t", "'re", "'VE", "'m", "'ll", "'LL", "'d", "'\u017f", "\u2019s", "'", "''s", "'sS"]
MARKS = [chr(c) for c in range(0x300, 0x370)] + ["\u0591", "\u05b4", "\u0651", "\u064b", "\u093c", "\u3099", "\u309a", "\u0327", "\u0345", "\u1ab0", "\u20d0"]
LETTERS = list("aeioucnszAEIOUCNSZ") + list("αωиКдがカ각ა") + [chr(0x1100), chr(0x1161), chr(0x11A8), "\u212b", "\u2126", "\ufb01", "\u1e9b\u0323", "\u0958", "\u2adc", "\uf900", "\U0002f800"]
DIGITS = list("0123456789") + list("٠١٢३४五²½Ⅷ①") + ["\U0001d7d8", "\u09f4", "\u3007"]


def assigned(rng):
    while True:
        c = chr(rng.randrange(0x110000))
        if unicodedata.category(c) not in ("Cn", "Cs", "Co"):
            return c


def sentence(rng):
    words = rng.choice(SENTENCES).split(" ")
    a, b = sorted(rng.randrange(len(words) + 1) for _ in range(2))
    return " ".join(words[a:b + 2])


def marks(rng):
    return "".join(rng.choice(LETTERS) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(5))) for _ in range(rng.randrange(1, 8)))


def run(rng):
    unit = rng.choice(["a", " ", "\n", "ab", "=", "-", ".", "0", "1", "é", "漢", "😀", "\t", "\r\n", " \n", "'s", "e\u0301", "#", "_", "!", "\u0301", "ha", "aA", "\u3000"])
    return unit * rng.choice([2, 3, 5, 8, 17, 32, 33, 64, 100, 300])


def noise(rng, n):
    return "".join(assigned(rng) for _ in range(rng.randrange(1, n)))


def string(rng, special_texts):
    """One string of one to several pieces, of every kind that text can contain."""
    kinds = [
        (8, lambda: sentence(rng)), (4, lambda: rng.choice(CODE)), (3, lambda: "".join(rng.choice(EMOJI) for _ in range(rng.randrange(1, 5)))),
        (6, lambda: "".join(rng.choice(SPACES) for _ in range(rng.randrange(1, 6)))), (3, lambda: rng.choice(["we", "X", "ß", "7", ""]) + rng.choice(ENDINGS)),
        (3, lambda: marks(rng)), (2, lambda: run(rng)), (3, lambda: "".join(rng.choice(DIGITS) for _ in range(rng.randrange(1, 9)))),
        (2, lambda: noise(rng, 12)), (2, lambda: "".join(chr(rng.randrange(0x20)) for _ in range(rng.randrange(1, 6))) + "\x7f"),
        (2, lambda: "".join(chr(rng.randrange(0x20, 0x7f)) for _ in range(rng.randrange(1, 30)))),
        (2, lambda: rng.choice(special_texts) if special_texts else ""), (1, lambda: sentence(rng) * rng.randrange(2, 9)),
    ]
    pick = rng.choices([make for _, make in kinds], [weight for weight, _ in kinds], k=rng.choice([1, 1, 2, 3, 4, 6, 10]))
    return "".join(make() for make in pick)


def strings(seed, n, special_texts=()):
    rng = random.Random(seed)
    out = ["", " ", "a", "\n", "\x00"]
    out += [string(rng, list(special_texts)) for _ in range(n - len(out))]
    return out
