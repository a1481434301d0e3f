"""The CSV, the Markdown page and the picture of the results of scripts/gpu.sh, named by date and card."""
import csv
import re

from tests.gpu import shapes as gpu_shapes
from tests.support import plot

COLUMNS = ("date", "card", "driver", "clocks_mhz", "commit", "op", "shape", "figure", "unit", "us", "share_of_ceiling", "peer", "peer_figure", "ratio", "target", "verdict", "note")
VERDICT = {True: "ok", False: "MISSED", None: "skipped"}
TITLES = {
    "ceilings": "Ceilings", "tests": "Proofs", "prefill": "Prefill attention", "decode": "Decode attention", "mat_vec": "Products of a few tokens", "product": "Products of many rows (bf16)",
    "memory": "Memory by length", "peers_prefill": "Prefill attention beside its peers", "peers_decode": "Decode attention beside its peers", "peers_products": "Products beside PyTorch's",
    "written_out": "Attention written out (PyTorch, the matrix of scores in memory)",
}
UNDER = {"ceilings_int8": "ceilings", "fragments": "tests", **{f"sanitize_{tool}": "tests" for tool in ("memcheck", "racecheck", "initcheck", "synccheck")}}


def number(value):
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"


def name(about):
    return f"{about['date']}-{re.sub(r'[^a-z0-9]+', '-', about['card'].lower()).strip('-')}"


def csv_rows(results):
    about = results.about
    for row in results.rows:
        yield [about["date"], about["card"], about["driver"], results.clocks.get(row["step"], ""), about["commit"], row["op"], row["shape"], row["figure"], row["unit"], row["us"], row["share"],
               row["peer"], row["peer_figure"], row["ratio"], row["target"], VERDICT[row["ok"]], row["note"]]


def table(rows):
    """Only the columns with a value in some row."""
    def cells(row):
        figure = f"{number(row['figure'])} {row['unit']}".strip() if row["figure"] is not None else ""
        return {"what": row["op"], "shape": row["shape"].replace(",", " "), "figure": figure, "us": number(row["us"]), "spread": f"{row['spread']:.1%}" if row["spread"] is not None else "",
                "of the ceiling": f"{row['share']:.0%}" if row["share"] is not None else "", "peer": row["peer"] or "", "its figure": number(row["peer_figure"]),
                "ratio": f"{row['ratio']:.2f}" if row["ratio"] is not None else "", "target": row["target"] or "", "": "" if row["ok"] is True and not row["target"] else VERDICT[row["ok"]], "note": row["note"] or ""}
    filled = [cells(row) for row in rows]
    columns = [column for column in filled[0] if any(row[column] for row in filled)]
    yield "| " + " | ".join(columns) + " |"
    yield "|" + " --- |" * len(columns)
    for row in filled:
        yield "| " + " | ".join(row[column].replace("|", "\\|") for column in columns) + " |"


def bars(results):
    """Ratios to SDPA's flash backend, head size 128, by length."""
    found = []
    for row in results.of("peers_prefill"):
        v = gpu_shapes.values(row["shape"])
        if row["ratio"] is not None and row["peer"] == "sdpa_flash" and v["d"] == 128 and v["heads"] == v["kv_heads"]:
            found.append((not v["causal"], v["n"], f"{v['n']} tokens{', causal' if v['causal'] else ''}", row["ratio"]))
    return [(label, ratio) for _, _, label, ratio in sorted(found)]


def page(results, picture):
    about = results.about
    counts = [sum(row["ok"] is verdict for row in results.rows) for verdict in (True, False, None)]
    lines = [f"# {about['card']}, {about['date']}", "",
             f"Written by `scripts/gpu.sh`: commit {about['commit']}, driver {about['driver']}, {about['compiler'] or 'built there'}; {about['multiprocessors']} multiprocessors, compute capability {about['capability']}, "
             f"{about['l2_bytes'] / 2**20:.0f} MiB of L2, {about['memory_mib']} MiB, {about['power_limit_w']} W, clocks of at most {about['max_clocks_mhz']} MHz (multiprocessors/memory).", "",
             f"{counts[0]} rows ok, {counts[1]} missed, {counts[2]} skipped. How to read it: [README.md](README.md).", ""]
    if picture:
        lines += [f"![Prefill attention: Baton / SDPA flash]({picture})", ""]
    for step, title in TITLES.items():
        rows = [row for row in results.rows if UNDER.get(row["step"], row["step"]) == step]
        if rows:
            lines += [f"## {title}", "", *table(rows), ""]
            if step in results.clocks:
                lines += [f"Clocks meanwhile: {results.clocks[step]} MHz.", ""]
    return "\n".join(lines)


def write(folder, results):
    stem = name(results.about)
    ratios = bars(results)
    if ratios:
        (folder / f"{stem}.svg").write_text(plot.ratio_bars(f"{results.about['card']}: prefill attention, head size 128, Baton / SDPA flash", ratios), encoding="utf-8")
    (folder / f"{stem}.md").write_text(page(results, f"{stem}.svg" if ratios else ""), encoding="utf-8")
    with open(folder / f"{stem}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(csv_rows(results))
    return folder / f"{stem}.md"
