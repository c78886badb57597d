"""A small document made by hand, with all kinds of nodes, a module in a module, and amounts of every sort."""

from typing import Any

EVIL = "</script><script>window.pwned=1</script><b onmouseover=pwned=1>x</b>\"]'<!--\u2028&lt;"


def statistics(norm: float = 2.0, **changes: Any) -> dict[str, Any]:
    return {
        "mean": 0.5, "std": 0.25, "norm": norm, "zeros": 0.125, "nonfinite": 0, "low": -1.0, "high": 3.0,
        "counts": list(range(20)), **changes,
    }  # fmt: skip


def node(i: int, kind: str, name: str, shape: list[int], call: int | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "id": i, "kind": kind, "name": name, "label": "", "shape": shape, "dtype": "float32", "settings": {},
        "call": call, "output": False, "marked": False, "recorded": True, "summary": "", "source": "", "rules": [],
        "site": None, "values": None, "gradient": None, "step": None, "amounts": {}, "notes": {}, **changes,
    }  # fmt: skip


def sample_graph() -> dict[str, Any]:
    """tanh(x @ weight) + one, summed; matmul is in body.0, tanh in body."""
    product = node(
        2, "op", "matmul", [4, 2], 1, step=3, settings={"axes": "1, 0"}, gradient=statistics(0.5),
        amounts={"gradient_norm": 0.5, "forward_time": 2e-5, "verdict": "correct"}, summary="x @ y.", source="Knuth",
        rules=[["x", "g @ y.T"], ["y", "x.T @ g"]], values=statistics(),
        site={"file": "net.py", "line": 7, "text": "return x @ self.weight"}, notes={"verdict": "error 1e-12"},
    )  # fmt: skip
    return {
        "format": "minigrad graph", "version": 1, "title": "sample", "color_by": "kind",
        "nodes": [
            node(0, "variable", "x", [4, 3], step=4, gradient=statistics(0.25), amounts={"gradient_norm": 0.25}),
            node(1, "parameter", "body.0.weight", [3, 2], 1, step=5, gradient=statistics(7.5),
                 amounts={"gradient_norm": 7.5}),
            product,
            node(3, "op", "tanh", [4, 2], 0, step=2, marked=True, gradient=statistics(1.5, nonfinite=3),
                 amounts={"gradient_norm": "nan", "forward_time": 1e-5, "verdict": "wrong"}),
            node(4, "constant", "one", [], recorded=False),
            node(5, "op", "add", [4, 2], step=1, marked=True, gradient=statistics(3.0),
                 amounts={"gradient_norm": 3.0, "verdict": "correct"}),
            node(6, "op", "sum", [], output=True, step=0, gradient=statistics(1.0),
                 amounts={"gradient_norm": 1.0, "forward_time": 4e-5}),
        ],
        "edges": [[0, 2, 0], [1, 2, 1], [2, 3, 0], [3, 5, 0], [4, 5, 1], [5, 6, 0]],
        "outputs": [6],
        "calls": [
            {"id": 0, "name": "body", "kind": "Sequential", "path": "body", "outer": None,
             "amounts": {"forward_time": 3e-5, "verdict": "wrong"}},
            {"id": 1, "name": "0", "kind": "Linear", "path": "body.0", "outer": 0,
             "amounts": {"forward_time": 2e-5, "verdict": "correct"}},
        ],
        "quantities": [
            {"name": "kind", "label": "kind", "unit": "", "scale": "class"},
            {"name": "gradient_norm", "label": "norm of the gradient", "unit": "", "scale": "log"},
            {"name": "forward_time", "label": "forward time", "unit": "s", "scale": "linear"},
            {"name": "verdict", "label": "verdict", "unit": "", "scale": "class",
             "classes": {"correct": "#009e73", "wrong": "#d55e00", "kink": "#56b4e9"}},
        ],
    }  # fmt: skip


def level(call: int | None, texts: dict[str, list[str]], edges: list[tuple[str, str, str]]) -> dict[str, Any]:
    def item(key: str) -> dict[str, Any]:
        number = int(key[1:])
        if key[0] in "io":
            return {"key": key, "port": number, "direction": "in" if key[0] == "i" else "out"}
        return {"key": key, "node" if key[0] == "n" else "call": number}

    arrows = [{"from": a, "to": b, "label": label} for a, b, label in edges]
    return {"call": call, "items": [item(key) for key in texts], "edges": arrows, "texts": texts}


def sample_levels() -> list[dict[str, Any]]:
    outside = {
        "n0": ["x", "4×3"],
        "c0": ["body Sequential"],
        "n4": ["one", "scalar"],
        "n5": ["add"],
        "n6": ["sum", "scalar"],
    }
    body = {"i0": ["from x"], "c1": ["0 Linear"], "n3": ["tanh"], "o3": ["to add"]}
    linear = {"i0": ["from x"], "n1": ["weight", "3×2"], "n2": ["matmul"], "o2": ["to body"]}
    return [
        level(None, outside, [("n0", "c0", ""), ("c0", "n5", "4×2"), ("n4", "n5", ""), ("n5", "n6", "4×2")]),
        level(0, body, [("i0", "c1", "4×3"), ("c1", "n3", "4×2"), ("n3", "o3", "4×2")]),
        level(1, linear, [("i0", "n2", "4×3"), ("n1", "n2", ""), ("n2", "o2", "4×2")]),
    ]  # fmt: skip


def evil() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same with markup in all that users can write."""
    text, seen = sample_graph(), sample_levels()
    text["title"] = EVIL
    for told in text["nodes"]:
        told |= {"name": EVIL, "label": EVIL, "dtype": EVIL, "settings": {EVIL: EVIL}, "summary": EVIL, "source": EVIL}
        told |= {"rules": [[EVIL, EVIL]], "site": {"file": EVIL, "line": 1, "text": EVIL}, "notes": {"verdict": EVIL}}
        told["amounts"]["verdict"] = EVIL
    for call in text["calls"]:
        call |= {"name": EVIL, "kind": EVIL, "path": EVIL}
    for quantity in text["quantities"]:
        quantity |= {"label": EVIL, "unit": EVIL}
    text["quantities"][-1]["classes"] = {EVIL: "red;background:url(https://example.com)"}
    for shown in seen:
        shown["texts"] = {key: [EVIL, EVIL] for key in shown["texts"]}
        for edge in shown["edges"]:
            edge["label"] = EVIL
    return text, seen
