"""The results of scripts/gpu.sh so far, stored in DIR/results.json after every row, so that the next call continues there."""
import json
import os

from tests.gpu import shapes as gpu_shapes


def measured(step, entry, results):
    """A row of one line of kernels_cuda_bench or torch_peer.py: its share of the ceiling, and whether that is sufficient."""
    row = {"step": step, "op": entry["op"], "shape": entry["shape"], "figure": entry.get("figure"), "unit": entry.get("unit", ""), "us": entry.get("us"),
           "spread": entry.get("spread"), "share": None, "peer": None, "peer_figure": None, "ratio": None, "target": None, "ok": True, "note": entry.get("note", "")}
    if "error" in entry or "skipped" in entry:
        row["ok"] = None if "skipped" in entry else False
        row["note"] = entry.get("skipped") or entry["error"]
        return row
    if step == "ceilings":
        return row
    ceiling = results.ceiling(entry["op"])
    least = gpu_shapes.share_target(entry["op"], entry["shape"], entry.get("bytes", 0), results.about.get("l2_bytes", 0))
    if ceiling:
        row["share"] = round(row["figure"] / ceiling, 4)
    if least:
        row["target"], row["ok"] = f">= {least:.0%} of copy", row["share"] >= least if ceiling else None
        row["note"] = row["note"] if ceiling else "no copy bandwidth was measured: run `ceilings`, then this step with --again"
    return row


def compared(step, ours, theirs):
    """A row of our figure and a peer's, on the same shape, measured one after the other just now."""
    row = {"step": step, "op": ours["op"], "shape": ours["shape"], "figure": ours.get("figure"), "unit": ours.get("unit", ""), "us": ours.get("us"), "spread": ours.get("spread"),
           "share": None, "peer": theirs["op"], "peer_figure": theirs.get("figure"), "ratio": None, "target": None, "ok": True, "note": theirs.get("note", "")}
    if "error" in ours:
        return {**row, "ok": False, "note": ours["error"]}
    if row["peer_figure"] is None or row["figure"] is None:
        return {**row, "ok": None, "note": theirs.get("skipped") or ours.get("skipped") or "no figure"}
    row["ratio"] = round(row["figure"] / row["peer_figure"], 4)
    least = gpu_shapes.ratio_target(ours["op"], ours["shape"], theirs["op"])
    if least:
        row["target"], row["ok"] = f">= {least} x", row["ratio"] >= least
    return row


def said(step, op, figure, unit, ok, note="", shape="", target=None):
    """A row of a proof, or of a conclusion from others."""
    return {"step": step, "op": op, "shape": shape, "figure": figure, "unit": unit, "us": None, "spread": None, "share": None, "peer": None, "peer_figure": None, "ratio": None,
            "target": target, "ok": ok, "note": note}


class Results:
    def __init__(self, folder, about):
        """about: the card and the commit. Results of another card or commit are not mixed with these."""
        self.path, self.about, self.rows, self.done, self.clocks = folder / "results.json", about, [], [], {}
        if self.path.is_file():
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            for key in ("card", "commit"):
                if kept["about"][key] != about[key]:
                    raise ValueError(f"{self.path} has results of {key} {kept['about'][key]}, and this is {about[key]}: give another --out, or --again to replace them")
            self.about = {**about, "date": kept["about"]["date"]}
            self.rows, self.done, self.clocks = kept["rows"], kept["done"], kept["clocks"]

    def save(self):
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"about": self.about, "done": self.done, "clocks": self.clocks, "rows": self.rows}, indent=1), encoding="utf-8")
        os.replace(new, self.path)

    def add(self, row):
        self.rows.append(row)
        self.save()
        return row

    def forget(self, steps):
        self.rows = [row for row in self.rows if row["step"] not in steps]
        self.done = [step for step in self.done if step not in steps]

    def finish(self, step):
        self.done.append(step)
        self.save()

    def of(self, step):
        return [row for row in self.rows if row["step"] == step]

    def missing(self, step, wanted):
        """The (op, shape)s for which the step has no row."""
        have = {(row["op"], row["shape"]) for row in self.of(step)}
        return [pair for pair in wanted if pair not in have]

    def ceiling(self, op):
        """The best figure that the ceilings have for this op's bound, or None."""
        bound, having = gpu_shapes.CEILINGS.get(op, (None, {}))
        figures = [row["figure"] for row in self.of("ceilings")
                   if row["op"] == bound and row["figure"] and having.items() <= gpu_shapes.values(row["shape"]).items()]
        return max(figures, default=None)
