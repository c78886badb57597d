// From amounts to colors, all of which come with the data: viridis for numbers, and a color for each class.
const SCALE = palette.scale.map(channels);
const MARKS = { correct: "✓", wrong: "✗", kink: "∧", inconclusive: "?" };
const quantities = graph.quantities.some((quantity) => quantity.name === "kind")
  ? graph.quantities
  : [{ name: "kind", label: "kind", unit: "", scale: "class" }, ...graph.quantities];

function channels(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

const hex = (parts) => "#" + parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("");

function scaleColor(share) {
  const place = Math.min(1, Math.max(0, share)) * (SCALE.length - 1);
  const k = Math.min(Math.floor(place), SCALE.length - 2);
  return hex(SCALE[k].map((part, i) => part + (SCALE[k + 1][i] - part) * (place - k)));
}

// Black or white, whichever is easier to read on a color (WCAG 2.2: relative luminance).
function textColorOn(color) {
  const linear = channels(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? "#000000" : "#ffffff";
}

// The colors of one quantity at one level: sums of modules stand beside single ops, so each level has its own range.
function scaleOf(quantity, level) {
  const amounts = level.items.filter((item) => !("port" in item)).map((item) => amountOf(item, quantity.name));
  const missing = amounts.some((amount) => amount === null);
  if (quantity.scale === "class") {
    const found = new Set(amounts.filter((amount) => amount !== null));
    const names = [...new Set([...Object.keys(quantity.classes ?? {}), ...found])];
    const colors = new Map(names.map((name, k) => [name, colorOf(quantity.classes?.[name]) ?? palette.classes[k % palette.classes.length]]));
    return { classes: colors, found, missing, color: (amount) => colors.get(amount) ?? null };
  }
  const log = quantity.scale === "log";
  const known = amounts.filter((amount) => typeof amount === "number" && (amount > 0 || !log));
  let low = known.length ? Math.min(...known) : log ? 0.1 : 0;
  let high = known.length ? Math.max(...known) : 1;
  if (log) {
    const middle = Math.sqrt(low * high);  // two decades at least, so that small differences look small
    [low, high] = [Math.min(low, middle / 10), Math.max(high, middle * 10)];
  } else {
    low = Math.min(low, 0);
    if (high <= low) high = low + 1;
  }
  const place = log ? (x) => (x > 0 ? Math.log(x / low) / Math.log(high / low) : 0) : (x) => (x - low) / (high - low);
  const color = (x) => (x === null ? null : typeof x === "number" ? scaleColor(place(x)) : palette.notFinite);
  return { low, high, log, missing, broken: amounts.some((amount) => typeof amount === "string"), color };
}

const colorOf = (text) => (/^#[0-9a-f]{6}$/i.test(text ?? "") ? text : null);

// ---- the legend -----------------------------------------------------------------------------------------------

function drawLegend(level, quantity, scale) {
  const parts = quantity.name === "kind" ? kindLegend(level) : scale.classes ? classLegend(scale) : rangeLegend(quantity, scale);
  if (scale?.broken) parts.push(swatch(palette.notFinite, "not finite"));
  if (scale?.missing) parts.push(swatch(null, "unknown"));
  const unit = quantity.scale === "log" ? "logarithmic" : "";
  const title = html("div", { class: "title" }, quantity.label, unit ? html("span", {}, unit) : null);
  $("legend").replaceChildren(...(quantity.name === "kind" ? parts : [title, ...parts]));
}

function swatch(color, label) {
  const box = html("span", { class: color ? "swatch" : "swatch unknown" });
  if (color) box.style.backgroundColor = color;
  return html("span", { class: "entry" }, box, label);
}

const classLegend = (scale) =>
  [...scale.classes].filter(([name]) => scale.found.has(name)).map(([name, color]) => swatch(color, `${MARKS[name] ?? ""} ${name}`.trim()));

const KIND_NAMES = { op: "op", module: "module", parameter: "parameter", variable: "variable", constant: "constant", port: "outside" };

function kindLegend(level) {
  const found = new Set(level.items.map(kindOf));
  return Object.entries(KIND_NAMES)
    .filter(([kind]) => found.has(kind))
    .map(([kind, label]) => html("span", { class: "entry" }, glyph(kind), label))
    .concat(stateLegend(level));
}

// What else borders tell, where it is seen.
function stateLegend(level) {
  const own = level.items.filter((item) => "node" in item).map((item) => nodes.get(item.node));
  const entries = [
    ["output", "output", own.some((node) => node.output)],
    ["unrecorded", "not recorded", own.some((node) => node.recorded === false)],
    ["marked", "marked path", level.items.some((item) => nodesOf(item).some((node) => node.marked))],
  ];
  return entries.filter(([, , seen]) => seen).map(([state, label]) => {
    const picture = glyph("op");
    picture.classList.add(state);
    return html("span", { class: "entry" }, picture, label);
  });
}

function rangeLegend(quantity, scale) {
  const bar = svg("svg", { class: "bar", viewBox: "0 0 200 10", "aria-hidden": "true", preserveAspectRatio: "none" });
  for (let k = 0; k < 50; k++) bar.append(svg("rect", { x: 4 * k, y: 0, width: 200 - 4 * k, height: 10, fill: scaleColor(k / 49) }));
  const middle = scale.log ? Math.sqrt(scale.low * scale.high) : (scale.low + scale.high) / 2;
  const ticks = [scale.low, middle, scale.high].map((amount) => html("span", {}, amountText(amount, quantity.unit, quantity.scale)));
  return [html("div", { class: "range" }, bar, html("div", { class: "ticks" }, ...ticks))];
}
