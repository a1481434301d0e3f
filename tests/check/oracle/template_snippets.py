"""Small templates, one feature each; jinja2 renders their expected output when the goldens are made."""

VARIABLES = {
    "s": "Hello World", "empty": "", "u": "Ünïcödé ß ΣΑΣ 日本", "html": "<a href='x'>&\"</a>", "lines": "one\n two\n\nthree\r\nfour\n", "padded": "  \t x y \n", "csv": "a,b,,c",
    "n": 7, "neg": -3, "f": 2.5, "big": 12345678901234567890, "tiny": 1e-07, "huge": 1e22, "zero": 0, "yes": True, "no": False, "nothing": None,
    "l": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "nested": [[1, [2]], {"k": [None, True, 1.0]}], "none_list": [],
    "d": {"b": 1, "a": "two", "C": [3], "items": "shadowed", "x-y": 4}, "e": {},
    "people": [{"name": "Bo", "age": 30, "tags": ["x"], "at": {"city": "Rome"}}, {"name": "al", "age": 25, "tags": [], "at": {"city": "Oslo"}}, {"name": "Cy", "age": 30, "tags": ["y", "z"], "at": {"city": "oslo"}}],
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "U2"}],
}

TEXT_AND_SPACE = r'''
plain text
trailing newline is cut
a{# comment #}b
a {#- comment -#} b
{{ s }}
{{- s -}}
  {{ s }}  {{- s }}  x
  {% if true %}x{% endif %}  y
{{ "a" }}{% raw %}{{ s }} {% if %}{# #}{% endraw %}b
{%- raw -%}  x  {%- endraw -%}  y
{% raw %}a{% endraw %}
{{ '{{' }} {{ "%}" }} {{ '}}' }}
{{ {"a": {"b": {"c": 1}}}["a"]["b"] }}
{{ {'a': 1}['a'] }}}
{{-1}} {{- 1}} {{ -1 }} {{+1}}
{{ 1 -}} x {{- 2 }}
{# {{ no }} #}x
{#+ c +#} x
a{#- c #}   b
{%+ if true %} x {%+ endif %}
'''

MULTI_LINE = [
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  {%+ if true %}\n b\n  {%- endif +%}\n\nc\n\n", "x\n{% for i in l %}\n  {{ i }}\n{% endfor %}\ny", "x\n{%- for i in l %}\n  {{ i }}\n{%- endfor %}\ny",
    "\n{# c #}\n{# d -#}\n\n e", "  {# indented comment #}\nx", "  x {# c #}\ny", "a\r\nb\rc\n{{ 'l1\r\nl2' }}\r\n", "{% set x = 1 %}\n\n{{ x }}", "\u00a0{% if 1 %}\u2003{%- endif %}\u3000x", "{% set x %}\n  body\n{% endset %}[{{ x }}]",
    "{% macro m(a) %}\n  {{ a }}\n{% endmacro %}\n[{{ m(1) }}]", "{% raw %}\n  x\n{% endraw %}\ny\n", "\n\n", "", "\n", " ", "{%- if true -%}\n\n x \n\n{%- endif -%}\n", "{{ 1\n+\n2 }}\n{%\nif true\n%}y{% endif %}",
    "  {%- if true %}\n    a\n  {%- else %}\n    b\n  {%- endif %}\n", "{{ s }}\n\n", "{% if no %}\n{% endif %}\n", "\t{% set x = 2 %}  \n{{ x }}", "{{ 'a' 'b'\n\"c\" }}", "{{ \"a\\\nb\" }}", "{% filter indent(2) %}a\nb{% endfilter %}", "x\n   {#- strip #}\ny",
]

LITERALS = r'''
{{ 1 }} {{ 1.0 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 10e20 }} {{ 1e16 }} {{ 123456789.123456789 }} {{ 0.1 + 0.2 }} {{ 5e-324 }} {{ 1e308 * 10 }}
{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}
{{ "a\"b" }} {{ 'a\'b' }} {{ "tab\there" }} {{ "nl\nx" }} {{ "\x41\u00e9\U0001f600" }} {{ "\101\0" }} {{ "\q\z" }} {{ "back\\slash" }} {{ "\é\日" }}
{{ 'it"s' }} {{ ["it's", 'say "x"', 'both \' and "'] }}
{{ [] }} {{ [1, "a", none, true, 2.5] }} {{ () }} {{ (1,) }} {{ (1, 2) }} {{ 1, 2 }} {{ {} }} {{ {"a": 1, 'b': [2], 3: 4} }} {{ [1,] }} {{ {"a": 1,} }}
{{ {1: "a", 1.0: "b", true: "c"} }} {{ {"a": 1, "a": 2} }}
{{ ["é", "日本", "\u200b", "\x00\x1f\x7f\x80\xa0", "\U0001f600", "\ue000", "\n\r\t\\"] }}
{{ nested }} {{ d }} {{ messages[0] }}
{{ s is string }}{{ "abc" "def" }}
{{ tiny }} {{ huge }} {{ big }} {{ f }} {{ 1e15 }} {{ 123456.7 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }}
{{ 1.e }}
{{ 017 }}
{{ "\x4" }}
{{ 1__0 }}
{{ 'unclosed }}
'''

OPERATORS = r'''
{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 1e300 * 1e10 }} {{ 4 / 2 }} {{ 3 * 1.0 }} {{ 1 - -1 }} {{ - - 1 }} {{ +n }} {{ -f }}
{{ 10 // 3.0 }} {{ 10 % 3.5 }} {{ 0.0 * -1 }} {{ true + true }} {{ true * 3 }} {{ -true }}
{{ "a" + "b" }} {{ "a" * 3 }} {{ 3 * "ab" }} {{ "a" * -1 }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }} {{ (1, 2) * 2 }}
{{ "a" ~ 1 ~ none ~ true ~ [1] ~ missing ~ 1.0 }} {{ "x" ~ "y" * 2 }}
{{ 1 ~ 2 + 3 }}
{{ 1 + 2 ~ 3 }}
{{ 1 == 1.0 }} {{ 1 == true }} {{ "1" == 1 }} {{ [1, 2] == [1, 2] }} {{ (1,) == [1] }} {{ {"a": 1, "b": 2} == {"b": 2, "a": 1} }} {{ none == false }} {{ missing == missing2 }} {{ missing == none }} {{ 0 != 0.0 }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1 == 1 }} {{ "a" < "b" }} {{ "Z" < "a" }} {{ [1, 2] < [1, 3] }} {{ (1, 2) <= (1, 2) }} {{ 2 >= 2.0 }} {{ 1 < 2 > 0 }} {{ [1] < [1, 2] }} {{ "é" > "z" }}
{{ "ell" in s }} {{ "" in s }} {{ "x" not in s }} {{ 1 in l }} {{ 9 not in l }} {{ "a" in d }} {{ "two" in d }} {{ none in [none] }} {{ 1 in (1, 2) }} {{ 1.0 in l }} {{ "a" in missing }} {{ not "a" in d }} {{ not 1 in l }}
{{ 1 in range(3) }} {{ "b" in d.keys() }} {{ 1 in d.values() }} {{ ("b", 1) in d.items() }} {{ [2] in [[1], [2]] }}
{{ 1 and 2 }} {{ 0 and 2 }} {{ 0 or "x" }} {{ "" or none }} {{ not 1 }} {{ not "" }} {{ not not l }} {{ 1 or missing.x }} {{ 0 and missing.x }} {{ true and false or true }} {{ not true or true }}
{{ "a" if yes else "b" }} {{ "a" if no else "b" }} {{ "a" if no }} {{ "a" if no else "b" if no else "c" }} {{ 1 if 0 else 2 + 3 }} {{ ("x" if no) is undefined }} {{ [1 if yes else 2, 3] }}
{{ n > 5 and n < 10 }} {{ n is odd and f is float }} {{ -n|abs }} {{ (-n)|abs }} {{ -3|abs }} {{ 2 * 3|string }} {{ "a" ~ 1|string ~ "b" }} {{ 1 + "2"|int }} {{ not s|length == 11 }}
{{ "%s is %d, %.2f%% %r %5s|%-5s|%05d|%+d|%x|%X|%o|%e|%g|%c" % ("a", 3, 1.5, "q", "r", "l", 42, 5, 255, 255, 8, 12345.678, 0.0001, "z") }}
{{ "%s" % s }} {{ "%s" % [1] }} {{ "%(a)s-%(b)03d" % d }} {{ "%%" % () }} {{ "%s %s" % (1, none) }} {{ "%5.1f|%*d" % (2.25, 4, 7) }} {{ "%d" % 3.9 }} {{ "%s" % none }} {{ "%i" % true }} {{ "%#x" % 255 }} {{ "% d" % 5 }} {{ "%.3s" % "abcdef" }}
{{ 1 + "a" }}
{{ "a" + 1 }}
{{ "a" + missing }}
{{ missing + 1 }}
{{ missing * 2 }}
{{ -missing }}
{{ none + 1 }}
{{ [1] + (2,) }}
{{ l + "x" }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 0 ** -1 }}
{{ 1 < "a" }}
{{ none < 1 }}
{{ missing < 1 }}
{{ {} < {} }}
{{ 1 in "abc" }}
{{ 1 in 5 }}
{{ 1 in none }}
{{ [1] in {} }}
{{ {[1]: 2} }}
{{ "%d" % "x" }}
{{ "%s %s" % (1,) }}
{{ "%s" % (1, 2) }}
{{ "%y" % 1 }}
{{ "%(q)s" % d }}
'''

SUBSCRIPTS = r'''
{{ l[0] }} {{ l[-1] }} {{ l[5] }} {{ l[-4] is undefined }} {{ s[0] }} {{ s[-1] }} {{ s[99] is undefined }} {{ u[2] }} {{ u[-1] }} {{ l[true] }} {{ "abc"[1] }} {{ (1, 2)[1] }} {{ l.0 }} {{ nested.0.1.0 }} {{ nested[1].k[2] }}
{{ s[1:3] }} {{ s[:3] }} {{ s[3:] }} {{ s[:] }} {{ s[::2] }} {{ s[::-1] }} {{ s[-5:-1] }} {{ s[5:1] }} {{ s[8:2:-2] }} {{ s[100:] }} {{ s[-100:2] }} {{ u[1:4] }} {{ u[::-1] }} {{ l[1:] }} {{ l[::-1] }} {{ l[:-1] }} {{ (1, 2, 3)[::2] }} {{ s[none:2] }} {{ l[0:9:99999999999] }} {{ l[99999999999999999999:] }}
{{ range(10)[2:5] }} {{ range(10)[::-3] }} {{ range(5)[1] }} {{ range(3) }} {{ range(1, 10, 3) }} {{ range(5, 0, -2)|list }} {{ range(0) }} {{ range(2, 2)|list }}
{{ d.a }} {{ d["a"] }} {{ d.get("a") }} {{ d.get("q") }} {{ d.get("q", 1) }} {{ d["items"] }} {{ d.items is callable }} {{ d["x-y"] }} {{ d.q is defined }} {{ d["q"] is defined }} {{ d.C[0] }} {{ d.items()|list|length }}
{{ d.keys()|list }} {{ d.values()|list }} {{ d.items()|list }} {{ d.keys() }} {{ e.items() }} {{ d.values() }} {{ d.copy() }} {{ e.keys()|length }}
{{ people[0].at.city }} {{ people[0]["at"]["city"] }} {{ messages[-1].content }} {{ messages[1:][0].role }} {{ (messages|first).role }} {{ people.0.name }}
{{ d.update }} {{ l.append is defined }} {{ d.pop }} {{ s.nope is defined }} {{ n.nope is defined }} {{ none.x }} {{ none["x"] }} {{ n[0] }} {{ l["x"] }} {{ l.x }} {{ d[none] is defined }} {{ d[l] is undefined }} {{ s["upper"]() }} {{ d["keys"]()|length }}
{{ missing.x }}
{{ missing["x"] }}
{{ missing[0] }}
{{ missing[1:] }}
{{ missing() }}
{{ missing.x is defined }}
{{ d.q.r }}
{{ d.q.r is defined }}
{{ nothing[1:] }}
{{ d.a[1:][5:] }}
{{ d[1:] }}
{{ n[1:] }}
{{ s["a":] }}
{{ s[::0] }}
{{ l.append(1) }}
{{ d.update({"a": 1}) }}
{{ d.pop("a") }}
{{ s() }}
{{ n() }}
{{ l[0]() }}
{{ d.get() }}
{{ s.upper(1) }}
{{ s.nope() }}
{{ "abc".__class__ }} {{ l.__len__ is defined }} {{ n["__class__"] }}
{{ s.__class__.__mro__ }}
'''

METHODS = r'''
{{ padded.strip() }}|{{ padded.lstrip() }}|{{ padded.rstrip() }}|{{ "xxaxx".strip("x") }}|{{ "abcba".lstrip("ab") }}|{{ "abcba".rstrip("ab") }}|{{ "\u3000x\u00a0".strip() }}|{{ "éaé".strip("é") }}|{{ "a".strip(none) }}
{{ csv.split(",") }} {{ " a  b ".split() }} {{ "a b c".split(" ", 1) }} {{ "a b c d".split(none, 2) }} {{ "a,b,c".rsplit(",", 1) }} {{ " a b  c ".rsplit(none, 1) }} {{ "".split() }} {{ "".split(",") }} {{ "aXbXc".split("X") }} {{ "a b".split(sep=" ") }} {{ "a b c".split(maxsplit=1) }} {{ "ab".rsplit() }}
{{ lines.splitlines() }} {{ lines.splitlines(true) }} {{ "".splitlines() }} {{ "a\x0bb\x0cc\x1cd\x85e\u2028f".splitlines() }} {{ "\n".splitlines() }}
{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ s.swapcase() }} {{ "hELLO wORLD".capitalize() }} {{ u.upper() }} {{ u.lower() }} {{ u.title() }} {{ "they're bill's".title() }} {{ "ﬁ ŉ ǆ".upper() }} {{ "ǆ ﬁ".title() }} {{ "İ".lower()|length }}
{{ s.startswith("He") }} {{ s.startswith(("x", "He")) }} {{ s.startswith("W", 6) }} {{ s.endswith("ld") }} {{ s.endswith("lo", 0, 5) }} {{ s.endswith("") }} {{ s.startswith("") }} {{ "".startswith("a") }} {{ u.startswith("Ü") }}
{{ s.find("o") }} {{ s.find("o", 5) }} {{ s.find("zz") }} {{ s.rfind("o") }} {{ s.index("W") }} {{ s.rindex("l") }} {{ s.count("l") }} {{ s.count("") }} {{ "aaa".count("aa") }} {{ u.find("日") }} {{ s.find("H", 1) }} {{ s.find("o", -4) }} {{ s.find("", 99) }} {{ s.count("o", 5) }}
{{ s.replace("l", "L") }} {{ s.replace("l", "", 1) }} {{ "aaa".replace("a", "bb", 2) }} {{ "ab".replace("", "-") }} {{ "ab".replace("", "-", 1) }} {{ s.replace("zz", "y") }} {{ u.replace("ß", "ss") }}
{{ ",".join(["a", "b"]) }} {{ "".join([]) }} {{ ", ".join(d.keys()) }} {{ "-".join("abc") }} {{ "-".join(words|map("upper")) }}
{{ "abc".isalpha() }} {{ "ab1".isalpha() }} {{ "12".isdigit() }} {{ "²".isdigit() }} {{ "²".isdecimal() }} {{ "½".isnumeric() }} {{ "".isdigit() }} {{ "ab1".isalnum() }} {{ " \t".isspace() }} {{ "".isspace() }} {{ "AB".isupper() }} {{ "ab1".islower() }} {{ "1".islower() }} {{ "Ab Cd".istitle() }} {{ "AB".istitle() }} {{ "é".isascii() }} {{ "".isascii() }} {{ "a\n".isprintable() }} {{ "é".isalpha() }} {{ "日本".isalpha() }}
{{ "a".center(5) }}|{{ "ab".center(5, "*") }}|{{ "a".ljust(3) }}|{{ "a".rjust(3, ".") }}|{{ "42".zfill(5) }}|{{ "-42".zfill(5) }}|{{ "abc".center(2) }}|{{ "é".ljust(3, "ü") }}
{{ "a=b=c".partition("=") }} {{ "a=b=c".rpartition("=") }} {{ "abc".partition("x") }} {{ "abc".rpartition("x") }} {{ "prefix-x".removeprefix("prefix-") }} {{ "x.txt".removesuffix(".txt") }} {{ "x".removeprefix("y") }}
{{ "{} {}".format(1, "a") }} {{ "{0}{1}{0}".format("a", "b") }} {{ "{x} {y.name}".format(x=1, y=people[0]) }} {{ "{a[name]}".format(a=people[0]) }} {{ "{{}}".format() }} {{ "{0[1]}".format(l) }} {{ "{!r} {!s}".format("a", "b") }}
{{ "{:>5}|{:<5}|{:^5}|{:*^6}|{:05d}|{:+d}|{:,}|{:.2f}|{:10.3f}|{:x}|{:#x}|{:b}|{:e}|{:%}|{:g}|{:_}".format("a", "b", "c", "d", 42, 5, 1234567, 3.14159, 2.5, 255, 255, 5, 1234.5, 0.25, 0.00001, 1234567) }}
{{ "{:5}|{:5}|{:<5}|{:.2}|{:>{w}}|{:s}|{}".format(1, "a", 2, "abc", "x", "q", none, w=4) }} {{ "{:.3}|{:.1f}|{:g}".format(2.0, 0.05, 1e20) }} {{ "{:d}".format(true) }} {{ "{}".format([1, "a"]) }} {{ "{:>6}".format(1.5) }}
{{ l.index(1) }} {{ l.count(3) }} {{ (1, 2, 1).count(1) }} {{ (1, 2).index(2) }} {{ l.copy() }} {{ words.index("fig") }}
{{ "ΑΣ ΑΣΑ Σ".lower() }} {{ "ΌΔΟΣ.".lower() }} {{ "Straße".upper() }} {{ "ß".title() }} {{ "ß".capitalize() }} {{ "1a".title() }}
{{ "a".join([1, 2]) }}
{{ "a".split("") }}
{{ "abc".index("z") }}
{{ l.index(99) }}
{{ s.replace("l") }}
{{ s.startswith(1) }}
{{ "{} {}".format(1) }}
{{ "{0} {}".format(1, 2) }}
{{ "{x}".format() }}
{{ "{".format() }}
{{ "}".format() }}
{{ "{:d}".format("a") }}
{{ "{:y}".format(1) }}
{{ "a".center(5, "ab") }}
{{ s.split(1) }}
'''

FILTERS = r'''
{{ s|upper }} {{ s|lower }} {{ s|title }} {{ s|capitalize }} {{ "they're bill's (x-y) [z] <w>"|title }} {{ u|upper }} {{ u|title }} {{ n|upper }} {{ none|lower }} {{ missing|upper }}|{{ true|lower }} {{ l|upper }}
{{ padded|trim }}|{{ "xxaxx"|trim("x") }}|{{ n|trim }}|{{ missing|trim }}|{{ none|trim }}|{{ "a"|trim(chars="a") }}|{{ " a "|trim|length }}
{{ s|replace("l", "L") }} {{ s|replace("l", "L", 1) }} {{ 123|replace(2, 5) }} {{ "aaa"|replace("a", "b", count=2) }} {{ missing|replace("a", "b") }} {{ "abc"|replace("", "-") }}
{{ s|length }} {{ l|length }} {{ d|length }} {{ u|length }} {{ missing|length }} {{ ""|count }} {{ range(5)|length }} {{ (1, 2)|length }} {{ l|count }}
{{ l|first }} {{ l|last }} {{ s|first }} {{ s|last }} {{ d|first }} {{ d|last }} {{ []|first }} {{ ""|last }} {{ []|first is undefined }} {{ u|last }} {{ range(3)|last }} {{ missing|first }} {{ d.items()|first }}
{{ l|join }} {{ l|join(", ") }} {{ words|join("|") }} {{ people|join(", ", attribute="name") }} {{ "abc"|join("-") }} {{ [1, none, "a", true]|join(" ") }} {{ missing|join(",") }} {{ d|join }} {{ l|join(1) }} {{ people|join(d="/", attribute="at.city") }} {{ []|join(",") }}
{{ l|sort }} {{ l|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ people|sort(attribute="age")|map(attribute="name")|join(",") }} {{ people|sort(attribute="age,name")|map(attribute="name")|list }} {{ people|sort(attribute="name", reverse=true)|map(attribute="name")|list }} {{ "hello"|sort }} {{ d|sort }} {{ [2.5, 1, true]|sort }} {{ missing|sort }}
{{ l|reverse|list }} {{ s|reverse }} {{ u|reverse }} {{ d|reverse|list }} {{ range(3)|reverse|list }} {{ (1, 2)|reverse|list }} {{ l|map("string")|reverse }}
{{ words|unique|list }} {{ words|unique(case_sensitive=true)|list }} {{ [1, 1.0, true, 2]|unique|list }} {{ people|unique(attribute="age")|map(attribute="name")|list }}
{{ l|sum }} {{ people|sum(attribute="age") }} {{ [0.1, 0.2]|sum }} {{ []|sum }} {{ [[1], [2]]|sum(start=[]) }} {{ l|sum(start=10) }} {{ [true, 2]|sum }}
{{ l|min }} {{ l|max }} {{ words|min }} {{ words|max }} {{ words|max(case_sensitive=true) }} {{ people|max(attribute="age") }} {{ people|min(attribute="age") }} {{ []|min is undefined }} {{ d|max }} {{ [1, 1.0]|max }} {{ "hello"|min }}
{{ l|list }} {{ s|list|length }} {{ d|list }} {{ range(3)|list }} {{ missing|list }} {{ u|list }} {{ d.items()|list }} {{ ""|list }}
{{ people|map(attribute="name")|list }} {{ people|map(attribute="at.city")|join(",") }} {{ people|map(attribute="tags.0", default="-")|list }} {{ people|map(attribute="q", default=0)|list }} {{ words|map("upper")|list }} {{ l|map("string")|join }} {{ words|map("replace", "p", "b")|list }} {{ [[1, 2], [3]]|map("first")|list }} {{ [[1, 2], [3]]|map(attribute=0)|list }} {{ [" a "]|map("trim")|list }} {{ missing|map("upper")|list }} {{ people|map(attribute="q")|list }} {{ l|map("default", 1)|list }}
{{ l|select("odd")|list }} {{ l|reject("odd")|list }} {{ [0, 1, "", "a", none]|select|list }} {{ [0, 1]|reject|list }} {{ l|select("gt", 1)|list }} {{ l|select(">", 1)|list }} {{ words|select("equalto", "fig")|list }} {{ words|select("in", ["fig"])|list }} {{ l|select("divisibleby", 3)|list }} {{ none_list|select("odd")|list }} {{ nested|select("mapping")|list|length }}
{{ people|selectattr("tags")|map(attribute="name")|list }} {{ people|rejectattr("tags")|map(attribute="name")|list }} {{ people|selectattr("age", "equalto", 30)|map(attribute="name")|list }} {{ people|selectattr("at.city", "eq", "Oslo")|list|length }} {{ people|rejectattr("age", "lt", 30)|list|length }} {{ messages|selectattr("role", "in", ["user"])|list|length }} {{ people|selectattr("q", "defined")|list }} {{ people|selectattr("name", "string")|list|length }} {{ messages|selectattr("role", "equalto", "user")|map(attribute="content")|join(" ") }}
{{ (messages|selectattr("role", "equalto", "nobody")) is iterable }} {{ "y" if messages|selectattr("role", "equalto", "nobody") else "n" }} {{ "y" if (messages|selectattr("role", "equalto", "nobody")|list) else "n" }} {{ messages|selectattr("role", "==", "user")|first }} {% set g = l|map("string") %}{{ g|list }}{{ g|list }} {% set h = l|select %}{{ h|first }}{{ h|first }}{{ h|list }}
{{ missing|default("x") }} {{ none|default("x") }} {{ none|default("x", true) }} {{ ""|default("x") }} {{ ""|default("x", boolean=true) }} {{ missing|d("y") }} {{ missing|default }} {{ 0|default(1, true) }} {{ d.q|default("q") }} {{ s|default("x") }} {{ missing|default(default_value=3) }} {{ no|default("x") }}
{{ "42"|int }} {{ "4.9"|int }} {{ "x"|int }} {{ "x"|int(5) }} {{ 3.9|int }} {{ -3.9|int }} {{ "0x1A"|int(base=16) }} {{ "1A"|int(0, 16) }} {{ " 7 "|int }} {{ none|int }} {{ true|int }} {{ "1_000"|int }} {{ "1e3"|int }} {{ []|int }} {{ "-5"|int }} {{ "0b11"|int(base=0) }} {{ "inf"|int }} {{ ""|int(9) }} {{ "08"|int }} {{ "08"|int(base=0) }}
{{ "2.5"|float }} {{ "x"|float }} {{ "x"|float(1.5) }} {{ 3|float }} {{ none|float }} {{ "inf"|float }} {{ "-Infinity"|float }} {{ "nan"|float }} {{ " 1e3 "|float }} {{ "1_0.5"|float }} {{ true|float }} {{ ".5"|float }} {{ "5."|float }} {{ "0x1"|float }} {{ "1e400"|float }} {{ "1e-400"|float }}
{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, "floor") }} {{ 42.45|round(1, "ceil") }} {{ 2.5|round }} {{ 3.5|round }} {{ -2.5|round }} {{ 2.675|round(2) }} {{ 7|round }} {{ 15|round(-1) }} {{ 25|round(-1) }} {{ 1234.5|round(-2) }} {{ 42.7|round|int }} {{ 42.2|round(method="ceil") }} {{ 7|round(1) }} {{ 7|round(0, "floor") }} {{ true|round }}
{{ -5|abs }} {{ (-5)|abs }} {{ (-2.5)|abs }} {{ true|abs }} {{ 1|string }} {{ 1.0|string + "x" }} {{ none|string }} {{ l|string }} {{ missing|string }}| {{ s|string is string }}
{{ d|items|list }} {{ missing|items|list }} {{ d|dictsort }} {{ d|dictsort(case_sensitive=true) }} {{ {"a": 2, "b": 1}|dictsort(by="value") }} {{ {"a": 2, "b": 1}|dictsort(false, "key", true) }} {% for k, v in {"b": 1, "a": 2}|dictsort %}{{ k }}{{ v }}{% endfor %}
{{ d|tojson }} {{ nested|tojson }} {{ s|tojson }} {{ u|tojson }} {{ html|tojson }} {{ n|tojson }} {{ f|tojson }} {{ big|tojson }} {{ tiny|tojson }} {{ huge|tojson }} {{ none|tojson }} {{ true|tojson }} {{ []|tojson }} {{ {}|tojson }} {{ (1, 2)|tojson }} {{ "\u2028\x7f\x00\x1f\\\"/"|tojson }} {{ "😀"|tojson }} {{ 1e16|tojson }} {{ 1.0|tojson }}
{{ d|tojson(indent=2) }} {{ nested|tojson(indent=4) }} {{ []|tojson(indent=2) }} {{ {"a": {}, "b": []}|tojson(indent=1) }} {{ l|tojson(indent="\t") }} {{ l|tojson(indent=0) }} {{ d|tojson(indent=none) }}
{{ u|tojson(ensure_ascii=true) }} {{ "😀\x7f"|tojson(true) }} {{ d|tojson(separators=(",", ":")) }} {{ d|tojson(separators=[" , ", " : "]) }} {{ d|tojson(sort_keys=true) }} {{ d|tojson(indent=2, separators=(",", ":"), sort_keys=true) }} {{ {1: 2, true: 3, none: 4, 1.5: 5}|tojson }} {{ [1.0, 1e22, 0.1]|tojson }} {{ ("inf"|float)|tojson }} {{ ("nan"|float)|tojson }} {{ {2: 1, 1: 2}|tojson(sort_keys=true) }}
{{ html|escape }} {{ html|e }} {{ html|safe }} {{ html|safe|escape }} {{ html|forceescape }} {{ "<" + "<"|safe }} {{ "<"|safe + "<" }} {{ "<"|safe ~ "<" }} {{ ("<"|safe) * 2 + "<" }} {{ ("<"|safe).upper() + "&" }} {{ "<"|e|e }} {{ n|e }} {{ ["<"|safe] }} {{ ("%s"|safe) % "<" }} {{ ("<"|safe) is escaped }} {{ d|tojson|safe + "<" }} {{ ("a<"|safe)[1:] + "<" }} {{ ("x<"|safe).replace("x", "<") }} {{ "<"|safe == "<" }} {{ "<"|safe|trim + "<" }} {{ "<"|safe|string + "<" }} {{ ("<"|safe).strip() + "<" }}
{{ lines|indent }}|{{ lines|indent(2, true) }}|{{ lines|indent(2, blank=true) }}|{{ lines|indent("> ") }}|{{ "x"|indent(first=true) }}|{{ ""|indent(2, true) }}|{{ "a\nb"|indent(width=1) }}|{{ "a\n"|indent(1) }}
{{ "%s-%s"|format("a", 1) }} {{ "%(a)s"|format(a=1) }} {{ "%d%%"|format(5) }} {{ "%s"|format(l) }} {{ "%5.2f"|format(f) }} {{ "no"|format }}
{{ s|wordcount }} {{ "a-b c_d 日本 é"|wordcount }} {{ ""|wordcount }} {{ s|center(20) }}| {{ s|truncate(8) }} {{ s|truncate(5) }} {{ "a long text that goes on"|truncate(12, true) }} {{ "a long text that goes on"|truncate(12, false, "…", 0) }} {{ s|truncate(5, leeway=0) }}
{{ range(7)|batch(3)|list }} {{ range(7)|batch(3, "x")|list }} {{ range(7)|slice(3)|list }} {{ range(7)|slice(3, "x")|list }} {{ []|batch(2)|list }} {{ "abcde"|batch(2)|list }}
{{ people|groupby("age")|list|length }} {% for age, who in people|groupby("age") %}{{ age }}:{{ who|map(attribute="name")|join(",") }};{% endfor %} {% for g in people|groupby("at.city") %}{{ g.grouper }}={{ g.list|length }};{% endfor %} {{ people|groupby("q", default=1)|map(attribute="grouper")|list }} {{ [{"a": 1}]|groupby("a") }}
{{ d|attr("keys") is callable }} {{ d|attr("a") is undefined }} {{ people|map("attr", "get") is iterable }} {{ s|attr("upper")() }}
{% filter upper %}a{{ s }}{% endfilter %} {% filter trim|replace("a", "b") %}  aXa  {% endfilter %}
{{ n|nosuchfilter }}
{{ n|length }}
{{ none|length }}
{{ none|list }}
{{ none|join }}
{{ missing|int }}
{{ missing|float }}
{{ missing|tojson }}
{{ missing|dictsort }}
{{ l|map("string")|tojson }}
{{ {(1, 2): 3}|tojson }}
{{ l|map("string")|length }}
{{ l|map("string")|last }}
{{ [1, "a"]|sort }}
{{ [[1], [2]]|unique|list }}
{{ ["a"]|sum }}
{{ s|upper(1) }}
{{ s|replace("a") }}
{{ s|trim(1) }}
{{ l|items }}{{ l|items|list }}
{{ "x"|round }}
{{ n|indent }}
{{ s|truncate(1) }}
{{ l|first(1) }}
{{ l|map|list }}
{{ l|select("nosuchtest")|list }}
{{ people|selectattr|list }}
{{ "%d"|format("x") }}
{{ d|dictsort(by="x") }}
{{ "x"|abs }}
{{ l|batch|list }}
'''

TESTS = r'''
{{ missing is defined }} {{ s is defined }} {{ missing is undefined }} {{ missing is not defined }} {{ none is defined }} {{ none is none }} {{ s is none }} {{ s is not none }} {{ missing is none }}
{{ s is string }} {{ n is string }} {{ d is mapping }} {{ l is mapping }} {{ l is sequence }} {{ d is sequence }} {{ s is sequence }} {{ n is sequence }} {{ none is sequence }} {{ missing is sequence }} {{ l is iterable }} {{ s is iterable }} {{ n is iterable }} {{ none is iterable }} {{ missing is iterable }} {{ range(3) is sequence }} {{ d.keys() is sequence }} {{ d.keys() is iterable }} {{ (l|map("string")) is sequence }} {{ (l|map("string")) is iterable }}
{{ n is number }} {{ f is number }} {{ true is number }} {{ s is number }} {{ n is integer }} {{ true is integer }} {{ f is integer }} {{ f is float }} {{ n is float }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }} {{ yes is true }}
{{ 3 is odd }} {{ 4 is odd }} {{ 4 is even }} {{ -3 is odd }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(4) }} {{ 2.0 is even }} {{ true is odd }}
{{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 1 is lessthan 2 }} {{ 2 is greaterthan 1 }} {{ 1 is in [1, 2] }} {{ "a" is in "abc" }} {{ 3 is not in l }} {{ "q" is in d }}
{{ "ABC" is upper }} {{ "abc" is lower }} {{ "Abc" is upper }} {{ "1" is lower }} {{ none is sameas none }} {{ true is sameas true }} {{ d is sameas d }} {{ [] is sameas [] }} {{ d.keys is callable }} {{ s is callable }} {{ range is callable }} {{ "upper" is filter }} {{ "nosuch" is filter }} {{ "odd" is test }} {{ "nosuch" is test }} {{ s is escaped }} {{ raise_exception is callable }} {{ missing is callable }}
{{ 3 is odd and 4 is even }} {{ not 3 is odd }} {{ 3 is not odd }} {{ n is odd or false }} {{ "x" if s is string else "y" }}
{{ s is string is defined }}
{{ 1 is defined and 2 is defined if true else 0 }}
{{ 1 is defined and (2 is defined) if yes else 0 }} {{ [1 is odd, 2 is odd] }} {{ (n + 1) is even }} {{ n + 1 is even }} {{ s|length is gt 3 }} {{ s.x is defined }} {{ d.a is defined and d.a is string }}
{{ n is nosuchtest }}
{{ s is odd }}
{{ none is even }}
{{ missing is odd }}
{{ 1 is in 5 }}
{{ 1 is lt "a" }}
{{ 3 is divisibleby 0 }}
{{ n is eq }}
'''

STATEMENTS = r'''
{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if missing %}x{% elif none %}y{% elif l %}z{% endif %}{% if no %}x{% endif %}|{% if not no %}y{% endif %}{% if 0, %}t{% endif %}
{% for i in l %}{{ i }}{% endfor %} {% for i in [] %}x{% else %}none{% endfor %} {% for c in "añ日" %}{{ c }}-{% endfor %} {% for k in d %}{{ k }},{% endfor %} {% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %} {% for i in range(3) %}{{ i }}{% endfor %} {% for i in missing %}x{% else %}e{% endfor %} {% for a, b in [(1, 2), [3, 4], "xy"] %}{{ a }}{{ b }}{% endfor %} {% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %} {% for i in 1, 2 %}{{ i }}{% endfor %}
{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}
{% for i in l %}[{{ loop.previtem }}<{{ i }}<{{ loop.nextitem }}]{{ loop.previtem is defined }}{{ loop.nextitem is undefined }}{% endfor %} {% for i in range(4) %}{{ loop.cycle("a", "b", "c") }}{% endfor %} {% for i in [1, 1, 2, 2, 1] %}{{ loop.changed(i) }} {% endfor %} {% for i in [1, 1] %}{{ loop.changed(i, "x") }}{% endfor %}
{% for i in range(10) if i % 2 %}{{ i }}:{{ loop.index }}/{{ loop.length }}{{ "," if not loop.last }}{% endfor %} {% for i in l if i > 9 %}x{% else %}nothing{% endfor %} {% for m in messages if m.role == "user" %}{{ m.content }}{{ loop.first }}{% endfor %} {% for i in l if loop is defined %}{{ i }}{% endfor %}
{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %} {% for i in l %}{% break %}{% else %}E{% endfor %} {% for i in l %}{{ i }}{% if loop.first %}{% continue %}{% endif %}{% else %}E{% endfor %} {% for i in l %}{% continue %}{% else %}E{% endfor %} {% for i in l %}x{% break %}{% else %}E{% endfor %}
{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{% if j == 1 %}{% continue %}{% endif %}{% endfor %}{{ loop.index }};{% endfor %} {% for i in [1, 2] %}{% set outer = loop %}{% for j in "ab" %}{{ outer.index }}{{ j }}{{ loop.last }} {% endfor %}{% endfor %}
{% set x = 1 %}{{ x }}{% set x, y = 2, 3 %}{{ x }}{{ y }}{% set (a, b) = "pq" %}{{ a }}{{ b }}{% set z = x, y %}{{ z }}{% set q = [1, 2] %}{{ q }}{% set x = x + 1 %}{{ x }}{% set messages = messages[1:] %}{{ messages|length }}
{% set x = 1 %}{% for i in l %}{% set x = i %}{{ x }}{% endfor %}{{ x }} {% for i in l %}{% if loop.first %}{% set q = 9 %}{% endif %}{{ q }}|{% endfor %}{{ q is defined }} {% if true %}{% set r = 5 %}{% endif %}{{ r }} {% for i in l %}{{ s[:1] }}{% set s = "in" %}{{ s }}{% endfor %}{{ s }} {% for x in [7] %}{% endfor %}{{ x }}
{% set ns = namespace(a=1, b="x") %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{% set ns.c = [1] %}{{ ns.c }}{{ ns["a"] is defined }} {% set ns.a, ns.b = 5, 6 %}{{ ns.a }}{{ ns.b }} {% set m = namespace({"k": 2}, j=3) %}{{ m.k }}{{ m.j }} {{ namespace() }} {{ namespace(a=[1]) }} {% set ns.t %}blk{% endset %}{{ ns.t }}
{% set x %}a{{ n }}b{% endset %}{{ x }}{{ x|length }} {% set x | upper %}abc{% endset %}{{ x }} {% set x | trim | replace("a", "z") %}  bab {% endset %}[{{ x }}] {% set y %}{% set inner = 1 %}{% endset %}{{ inner is defined }}
{% macro m(a, b=2, c="x") %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c="y") }}{{ m(a=1, b=5) }}{{ m() }}{{ m(1)|length }}{{ m(*[1, 2, 3]) }}{{ m(**{"a": 1}) }}{{ m(1, *[7], **{"c": 8}) }}{{ m(1) is string }}{{ m(1,) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }} {% macro k() %}{{ kwargs|length }}{% endmacro %}{{ k(a=1) }} {% macro v() %}{{ varargs|length }}{% endmacro %}{{ v(1, 2) }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }} {% macro outer() %}{% macro inner(x) %}<{{ x }}>{% endmacro %}{{ inner(1) }}{{ inner(2) }}{% endmacro %}{{ outer() }} {% set g = 1 %}{% macro usesg() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ usesg() }} {% macro d1(a, b=a) %}{{ b }}{% endmacro %}{{ d1(4) }}
{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box("b") %}body {{ n }}{% endcall %} {% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) each(l) %}{{ i }}:{{ x }} {% endcall %} {% macro opt() %}{{ caller() if caller else "no" }}{% endmacro %}{{ opt() }} {% call(a=5) box("q") %}{{ a }}{% endcall %} {% set o = 1 %}{% call box("z") %}{% set o = 2 %}{{ o }}{% endcall %}{{ o }}
{% generation %}abc{{ n }}{% endgeneration %}{% generation %}{% set w = 1 %}{% endgeneration %}{{ w is defined }} {% for m in messages %}{% generation %}{{ m.content }}{{ loop.index }}{% endgeneration %}{% endfor %}
{% with a = 1, b = n %}{{ a }}{{ b }}{% set n = 0 %}{% endwith %}{{ n }} {% with %}{% set t = 1 %}{{ t }}{% endwith %}{{ t is defined }} {% with a, b = "xy" %}{{ a }}{{ b }}{% endwith %} {% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{% endwith %}
{% for i in [[1, [2, 3]], [4]] recursive %}{{ loop(i) if i is sequence else i }}{{ loop.depth }}{% endfor %} {% for k, v in {"a": {"b": {}}}.items() recursive %}{{ k }}{% if v %}({{ loop(v.items()) }}){% endif %}{% endfor %}
{% set j = joiner(", ") %}{% for i in l %}{{ j() }}{{ i }}{% endfor %} {% set c = cycler("a", "b") %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }} {{ dict(a=1, b=2) }} {{ dict([("x", 1)]) }} {{ dict({"q": 1}, r=2) }} {{ dict() }} {{ range(3)|list }} {{ range(stop)|list if stop is defined }}
{{ strftime_now("%Y-%m-%d %H:%M:%S") }} {{ strftime_now("%d %B %Y, %A %j %b %a %y %I %p %U %%") }} {{ strftime_now("%-d.%-m.") }} {{ strftime_now("plain é") }} {{ strftime_now("%e|%F|%T|%D|%R|%Z|%z|%n|%t|%G-%V") }} {{ strftime_now("%Q %") is string }}
{% for i in l %}{% if i == 1 %}{{ loop.index }}{% endif %}{% endfor %}{% for a in l %}{% for b in l %}{% if b == a %}{% break %}{% endif %}{{ b }}{% endfor %};{% endfor %}
{% for x in l %}{% macro sq() %}{{ x * x }}{% endmacro %}{{ sq() }} {% endfor %}
{% set ns = namespace(stop=false) %}{% for i in range(5) if not ns.stop %}{{ i }}{% if i == 2 %}{% set ns.stop = true %}{% endif %}{% endfor %} {% set ns = namespace(k=0) %}{% for i in range(6) if i >= ns.k %}{{ i }}{{ loop.last }} {% set ns.k = ns.k + 2 %}{% endfor %}
{%- for m in messages -%}{%- if m.role == "user" -%}[{{ m.content }}]{%- elif m.role == "assistant" -%}<{{ m.content }}>{%- endif -%}{%- endfor -%}
{% set a = [1, 2, 3] %}{% set b = a[1:] + [a[0]] %}{{ b }}{% set c = {"k": a} %}{{ c.k[-1] }}{{ c["k"][::2] }} {% set t = (1, (2, 3)) %}{{ t[1][0] }}
{% if true %}x{% endif %}{% if loop is defined %}y{% endif %}{{ caller is defined }}{{ varargs is defined }}
{{ raise_exception("Stop: <" ~ s ~ "> 'quoted'\nnext line") }}
{{ raise_exception() }}
{{ raise_exception("a", "b") }}
{{ raise_exception(none) }}
{% for i in 5 %}{% endfor %}
{% for i in none %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for a, b in [[1]] %}{% endfor %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% set a, b = 1 %}
{% set a, b = missing %}
{% set s.x = 1 %}
{% set missing.x = 1 %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{{ namespace(_x=1) }}
{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{% endmacro %}{{ m(b=1) }}
{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}
{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}
{{ range(1000000) }}
{{ range(1, 2, 0) }}
{{ range("a") }}
{{ range() }}
{{ dict([1]) }}
{{ cycler() }}
{% for i in l %}{{ loop.nope }}{{ loop.nope.x }}{% endfor %}
{% for i in l %}{{ loop(i) }}{% endfor %}
{% for i in l %}{{ loop.cycle() }}{% endfor %}
{{ strftime_now() }}
{{ strftime_now(1) }}
{{ [].x.y }}
{{ m(**5) }}
'''

SYNTAX_ERRORS = r'''
{{
{{ }}
{{ 1 + }}
{{ (1 }}
{{ [1, }}
{{ {"a" 1} }}
{{ 1 2 }}
{{ a b }}
{{ "x }}
{% if %}x{% endif %}
{% if true %}
{% for %}{% endfor %}
{% for x %}{% endfor %}
{% for x in l %}
{% endif %}
{% else %}
{% nosuch %}
{% if true %}{% endfor %}
{% set %}
{% set 1 = 2 %}
{% set x = %}
{% set a.b.c = 1 %}
{% macro %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m(1) %}{% endmacro %}
{% call m %}{% endcall %}
{% break %}
{% for i in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% for loop in l %}{% endfor %}
{{ x| }}
{{ x is }}
{{ x.| }}
{{ x. }}
{{ x[ }}
{{ f(a=1, 2) }}
{{ f(**a, *b) }}
{{ f(,) }}
{{ 1 = 2 }}
{{ ! }}
{{ a ! b }}
{{ $x }}
{{ a ? b : c }}
{{ ) }}
{{ (] }}
{{ not }}
{{ 1 if }}
{{ a is b is c }}
{# open
{#
{{
{%
{% raw %}x
{% raw %}
{% set x = 1
{{ x }
{% endset %}
{{ x }} }}
{{ "a" if b else }}
{{ lambda: 1 }}
{{ {1} }}
{{ [i for i in l] }}
{{ a := 1 }}
{{ 'a' 1 }}
'''

SNIPPETS = MULTI_LINE + [line for block in (TEXT_AND_SPACE, LITERALS, OPERATORS, SUBSCRIPTS, METHODS, FILTERS, TESTS, STATEMENTS, SYNTAX_ERRORS)
                         for line in block.strip("\n").split("\n")]
