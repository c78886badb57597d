// The panel beside the graph: all that is known of what is selected, or of the level.
function drawPanel() {
  const item = selected ? itemOf(selected) : null;
  const parts = !item ? aboutLevel() : "call" in item ? aboutCall(calls.get(item.call)) : aboutNode(nodes.get(item.node ?? item.port), item);
  const close = html("button", { type: "button", class: "close", "aria-label": "Close the details", click: () => select(null) }, "×");
  $("panel").replaceChildren(...(item ? [close] : []), ...parts.flat(2).filter(Boolean));
  $("panel").scrollTop = 0;
}

const section = (title, ...children) => html("section", {}, html("h3", {}, title), ...children.flat().filter(Boolean));

function heading(kind, word, title, path) {
  return [
    html("p", { class: "kind" }, glyph(kind), word),
    html("h2", {}, title),
    path && path !== title ? html("p", { class: "path" }, path) : null,
  ];
}

function table(rows) {
  const kept = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (!kept.length) return null;
  return html("dl", {}, ...kept.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
}

// A line that leads to another node.
function link(node, label, detail) {
  return html(
    "li", {},
    html("button", { type: "button", class: "link", title: `${label} ${detail}`, click: () => goTo(itemOfNode.get(node.id)) },
      glyph(node.kind), tail("label", label), html("span", { class: "detail" }, detail)),
  );
}

// ---- a node ---------------------------------------------------------------------------------------------------

function aboutNode(node, item) {
  const outside = "port" in item;
  const word = [KIND_NAMES[node.kind], node.output ? "output" : "", node.recorded === false ? "not recorded" : "", outside ? "outside of this module" : ""];
  return [
    heading(node.kind, word.filter(Boolean).join(" · "), node.name, nodePath(node)),
    node.label ? html("p", {}, node.label) : null,
    node.summary ? html("p", { class: "summary" }, node.summary) : null,
    node.source ? html("p", { class: "paper" }, "Source: ", node.source) : null,
    node.marked ? html("p", { class: "note" }, "On the marked path.") : null,
    outside ? html("p", {}, html("button", { type: "button", class: "go", click: () => goTo(itemOfNode.get(node.id)) }, "Go there")) : null,
    section("Result", table([["shape", shapeText(node.shape)], ["type", node.dtype], ["step of backward", stepText(node)]])),
    wiring(node),
    settingsOf(node),
    rulesOf(node),
    siteOf(node),
    quantitiesOf(node),
    statisticsOf("Values", node.values, "values"),
    statisticsOf("Gradient", node.gradient, "gradient"),
  ];
}

function stepText(node) {
  if (typeof node.step !== "number") return null;
  return `${order.findIndex((group) => group.includes(node)) + 1} of ${order.length}`;
}

function wiring(node) {
  const ins = inputs.get(node.id).map(({ id }) => link(nodes.get(id), nodePath(nodes.get(id)), shapeText(nodes.get(id).shape)));
  const outs = readers.get(node.id).map(({ id }) => link(nodes.get(id), nodePath(nodes.get(id)), shapeText(nodes.get(id).shape)));
  return [
    ins.length ? section(ins.length === 1 ? "Input" : "Inputs", html("ol", { class: "links" }, ...ins)) : null,
    outs.length ? section("Used by", html("ul", { class: "links" }, ...outs)) : null,
  ];
}

function settingsOf(node) {
  const rows = Object.entries(node.settings ?? {}).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  return rows.length ? section("Settings", table(rows)) : null;
}

function rulesOf(node) {
  if (!node.rules?.length) return null;
  const rows = node.rules.map(([name, text]) => html("p", {}, html("b", {}, `∂${name}`), html("span", {}, " = "), html("code", {}, text)));
  return section("Derivative rules", html("div", { class: "rules" }, ...rows), html("p", { class: "hint" }, "g is the cotangent of the result"));
}

function siteOf(node) {
  if (!node.site) return null;
  const { file, line, text } = node.site;
  return section("Called at", html("p", { class: "file" }, `${file}:${line}`), text ? html("pre", {}, html("code", {}, text)) : null);
}

function quantitiesOf(owner, words = {}) {
  const rows = quantities.filter(({ name }) => name !== "kind" && owner.amounts?.[name] !== undefined && owner.amounts[name] !== null);
  if (!rows.length) return null;
  const all = rows.flatMap(({ name, label, unit, scale }) => {
    const amount = owner.amounts[name];
    const text = `${MARKS[amount] ?? ""} ${amountText(amount, unit, scale)}`.trim();
    const note = owner.notes?.[name];
    const bad = typeof amount === "string" && (amount in WORDS || amount === "wrong");
    return [html("dt", {}, label), html("dd", { class: bad ? "bad" : null }, text), note ? html("dd", { class: "remark" }, note) : null];
  });
  return section(words.title ?? "Measured", html("dl", {}, ...all.filter(Boolean)));
}

// ---- a module, and a level ------------------------------------------------------------------------------------

function contents(inner) {
  const of = (kind) => inner.filter((node) => node.kind === kind);
  const sizes = of("parameter").map((node) => node.shape.reduce((a, b) => a * b, 1));
  return table([
    ["ops", String(of("op").length)],
    ["parameter tensors", of("parameter").length ? String(of("parameter").length) : null],
    ["parameters", sizes.length ? sizes.reduce((a, b) => a + b, 0).toLocaleString("en-US") : null],
  ]);
}

// Of "0 Conv2d" the class is the title, of "features Sequential" the name.
function callHeading(call) {
  const title = /^\d*$/.test(call.name) ? call.kind || call.name || "module" : call.name;
  return heading("module", call.kind && call.kind !== title ? call.kind : "module", title, callPath(call));
}

// Of a layer of one op, that op is told as well.
function aboutCall(call) {
  const ops = members.get(call.id).filter((node) => node.kind === "op");
  const only = ops.length === 1 ? ops[0] : null;
  return [
    callHeading(call),
    only?.summary ? html("p", { class: "summary" }, only.summary) : null,
    levelOf.has(call.id) ? html("p", {}, html("button", { type: "button", class: "go", click: () => enter(call.id) }, "Enter")) : null,
    section("Inside", contents(members.get(call.id))),
    only ? [settingsOf(only), rulesOf(only), siteOf(only)] : null,
    quantitiesOf(call, { title: "Measured inside" }),
    only ? [statisticsOf("Values", only.values, "values"), statisticsOf("Gradient", only.gradient, "gradient")] : null,
  ];
}

function aboutLevel() {
  const { call } = shown.level;
  const inner = call === null ? graph.nodes : members.get(call);
  const start = call === null ? heading("module", "graph", graph.title || "graph") : callHeading(calls.get(call));
  return [
    start,
    section("Inside", contents(inner)),
    call === null ? null : quantitiesOf(calls.get(call), { title: "Measured inside" }),
    html("p", { class: "hint" }, "Select a node to see its derivative rules, values and gradient. Double click a module to enter it."),
  ];
}
