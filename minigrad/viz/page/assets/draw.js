// One level as SVG. Shapes tell the kinds apart, so that colors need not.
let shown = { level: root, layout: layouts[root.layout], boxes: new Map(), groups: new Map(), edges: [] };

function outline(kind, w, h) {
  const [x, y] = [-w / 2, -h / 2];
  if (kind === "variable") return [svg("ellipse", { class: "shape", rx: w / 2, ry: h / 2 })];
  if (kind === "port") return [svg("rect", { class: "shape", x, y, width: w, height: h, rx: h / 2 })];
  if (kind === "constant") {
    const cut = Math.min(10, w / 4);
    const d = `M${x + cut} ${y}H${-x - cut}L${-x} 0L${-x - cut} ${-y}H${x + cut}L${x} 0Z`;
    return [svg("path", { class: "shape", d })];
  }
  if (kind === "parameter") {
    const fold = 9;
    return [
      svg("path", { class: "shape", d: `M${x} ${y}H${-x - fold}L${-x} ${y + fold}V${-y}H${x}Z` }),
      svg("path", { class: "fold", d: `M${-x - fold} ${y}V${y + fold}H${-x}` }),
    ];
  }
  if (kind === "module") {
    const tab = Math.min(34, w / 3);
    return [
      svg("path", { class: "shape", d: `M${x} ${-y - 3}V${y - 5}q0 -3 3 -3H${x + tab}q2 0 3 2L${x + tab + 5} ${y}H${-x - 3}q3 0 3 3V${-y - 3}q0 3 -3 3H${x + 3}q-3 0 -3 -3Z` }),
      svg("path", { class: "fold", d: `M${x} ${y}H${x + tab + 5}` }),
    ];
  }
  return [svg("rect", { class: "shape", x, y, width: w, height: h, rx: Math.min(10, h * 0.3) })];
}

const glyph = (kind) => svg("svg", { class: `glyph kind-${kind}`, viewBox: "-13 -10 26 20", "aria-hidden": "true" }, ...outline(kind, 22, 13));

function drawItem(item, [x, y, width, height]) {
  const kind = kindOf(item);
  const node = "node" in item ? nodes.get(item.node) : null;
  const classes = ["item", `kind-${kind}`];
  if (node?.output) classes.push("output");
  if (node?.recorded === false) classes.push("unrecorded");
  if (nodesOf(item).some((inner) => inner.marked)) classes.push("marked");
  const lines = linesOf(item);
  const above = kind === "module" ? 13 : 5;  // its tab stands out
  const group = svg(
    "g",
    { class: classes.join(" "), transform: `translate(${x} ${y})`, tabindex: 0, role: "button", "aria-label": nameOf(item, lines), "data-key": item.key },
    svg("title", {}, nameOf(item, lines)),
    svg("rect", { class: "halo", x: -width / 2 - 5, y: -height / 2 - above, width: width + 10, height: height + above + 5, rx: kind === "module" ? 8 : 14 }),
    ...outline(kind, width, height),
    svg("g", { class: "texts" }),
    "call" in item && levelOf.has(item.call) ? enterMark(item, width) : null,
  );
  group.addEventListener("click", () => moved || select(item.key));
  group.addEventListener("dblclick", () => activate(item));
  group.addEventListener("focus", () => group.matches(":focus-visible") && reveal(item.key));
  shown.boxes.set(item.key, { x, y, width, height });
  shown.groups.set(item.key, group);
  return group;
}

function nameOf(item, lines) {
  const kind = kindOf(item);
  const node = "node" in item ? nodes.get(item.node) : null;
  const more = node && !lines.includes(shapeText(node.shape)) ? [shapeText(node.shape)] : [];
  return [lines[0] || kind, KIND_NAMES[kind], ...lines.slice(1), ...more, node?.output ? "output" : ""].filter(Boolean).join(", ");
}

function enterMark(item, width) {
  const mark = svg(
    "g",
    { class: "enter", transform: `translate(${width / 2 - 15} 0)` },
    svg("title", {}, "Enter (double click, or the Enter key)"),
    svg("circle", { r: 9 }),
    svg("path", { d: "M-2 -4L2 0L-2 4" }),
  );
  mark.addEventListener("click", (event) => {
    event.stopPropagation();
    if (!moved) enter(item.call);
  });
  return mark;
}

// The lines of an item as its level gives them. A module tells how much is in it, too.
function linesOf(item) {
  const lines = shown.level.texts[item.key] ?? [];
  if (!("call" in item) || lines.length !== 1) return lines;
  const inner = members.get(item.call);
  const sizes = inner.filter((node) => node.kind === "parameter").map((node) => node.shape.reduce((a, b) => a * b, 1));
  const ops = count(inner.filter((node) => node.kind === "op").length, "op");
  return [...lines, sizes.length ? `${ops} · ${amountText(sizes.reduce((a, b) => a + b, 0), "", "linear")} params` : ops];
}

// Of "features Sequential" the name stands out, of "0 Conv2d" the class.
function titleParts(call, line) {
  if (!call.name || !call.kind || line !== callTitle(call)) return [line];
  const plain = /^\d+$/.test(call.name) ? 0 : 1;
  return [call.name, call.kind].flatMap((word, k) => [k ? " " : "", svg("tspan", { class: k === plain ? "plain" : null }, word)]);
}

// The lines of an item as they are drawn; an amount takes the place of the last one.
function write(item, amount = null) {
  const group = shown.groups.get(item.key);
  const box = shown.boxes.get(item.key);
  const lines = linesOf(item);
  const all = amount === null ? lines : lines.length > 1 ? [...lines.slice(0, -1), amount] : [...lines, amount];
  const gap = box.height < 16 * all.length ? 13.5 : 15;
  const shift = "call" in item && levelOf.has(item.call) ? -10 : 0;
  const texts = all.map((line, k) => {
    const of = amount !== null && k === all.length - 1 ? "amount" : k ? "detail" : "name";
    const parts = k === 0 && "call" in item ? titleParts(calls.get(item.call), line) : [line];
    return svg("text", { class: of, x: shift, y: ((k - (all.length - 1) / 2) * gap + 4).toFixed(1) }, ...parts);
  });
  group.querySelector(".texts").replaceChildren(...texts);
  const inner = kindOf(item) === "variable" ? box.width * 0.86 : box.width - 12 + 2 * shift;
  for (const text of texts) shorten(text, inner);
}

// Fonts differ: what is too wide loses its beginning if it is a path, else its end.
function shorten(text, width) {
  const full = text.textContent;
  if (text.getComputedTextLength() <= width) return;
  const keep = (n) => (/^[\w.]+$/.test(full) && full.includes(".") ? `…${full.slice(full.length - n)}` : `${full.slice(0, n)}…`);
  let [least, most] = [1, full.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    text.textContent = keep(middle);
    if (text.getComputedTextLength() <= width) least = middle;
    else most = middle - 1;
  }
  text.textContent = keep(least);
}

function drawEdge(edge, points, at) {
  const p = (k) => `${points[2 * k]} ${points[2 * k + 1]}`;
  let d = `M${p(0)}`;
  for (let k = 1; 2 * k + 4 < points.length; k += 3) d += `C${p(k)} ${p(k + 1)} ${p(k + 2)}`;
  const [x0, y0, x, y] = points.slice(-4);
  const size = Math.hypot(x - x0, y - y0) || 1;
  const [ux, uy] = [(x - x0) / size, (y - y0) / size];
  const head = `M${x + 7 * ux} ${y + 7 * uy}L${x - 3 * uy} ${y + 3 * ux}L${x + 3 * uy} ${y - 3 * ux}Z`;
  const group = svg("g", { class: "edge" }, svg("path", { class: "line", d }), svg("path", { class: "head", d: head }));
  if (at && edge.label) group.append(svg("text", { x: at[0] + 4, y: at[1] + 3.5 }, edge.label));
  shown.edges.push({ ...edge, group });
  return group;
}

function drawLevel(level) {
  const layout = layouts[level.layout];
  shown = { level, layout, boxes: new Map(), groups: new Map(), edges: [] };
  const edges = level.edges.map((edge, k) => drawEdge(edge, layout.edges[k], layout.labels[k]));
  const items = level.items.map((item, k) => drawItem(item, layout.boxes[k]));
  $("scene").replaceChildren(svg("g", { class: "edges" }, ...edges), svg("g", { class: "items" }, ...items));
  const marked = new Set(level.items.filter((item) => nodesOf(item).some((node) => node.marked)).map((item) => item.key));
  for (const { from, to, group } of shown.edges) group.classList.toggle("marked", marked.has(from) && marked.has(to));
  const title = level.call === null ? graph.title || "graph" : callTitle(calls.get(level.call));
  $("canvas").setAttribute("aria-label", `${title}: ${count(level.items.length, "item")}`);
  drawMap(layout);
  paint();
}

// Colors and amounts of the chosen quantity, or the progress of the backward pass.
function paint() {
  const quantity = quantities.find(({ name }) => name === $("quantity").value) ?? quantities[0];
  const scale = quantity.name === "kind" ? null : scaleOf(quantity, shown.level);
  const progress = backwardProgress();
  for (const item of shown.level.items) {
    const group = shown.groups.get(item.key);
    const amount = scale && !("port" in item) ? amountOf(item, quantity.name) : null;
    const color = scale?.color(amount) ?? null;
    group.classList.toggle("colored", color !== null);
    group.classList.toggle("unknown", scale !== null && color === null && !("port" in item));
    group.style.setProperty("--fill", color ?? "");
    group.style.setProperty("--ink", color ? textColorOn(color) : "");
    const words = amount === null ? null : `${MARKS[amount] ?? ""} ${amountText(amount, quantity.unit, quantity.scale)}`.trim();
    write(item, lightItem(item, group, progress) ?? words);
  }
  lightEdges(progress);
  drawLegend(shown.level, quantity, scale);
}
