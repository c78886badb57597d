// Elements are made with createElement and text nodes only: what users wrote stays text.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const narrow = () => matchMedia("(max-width: 760px)").matches;

function fill(parent, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") parent.addEventListener(name, value);
    else if (value !== null && value !== false) parent.setAttribute(name, value);
  }
  parent.append(...children.filter((child) => child !== null));
  return parent;
}

const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// A path in one line: where it is too long, its end is seen.
const tail = (name, text) => html("span", { class: `${name} tail` }, html("bdi", { dir: "ltr" }, text));

// ---- words for numbers ----------------------------------------------------------------------------------------

const PREFIXES = {
  s: [[1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]],
  B: [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]],
};
const WORDS = { nan: "NaN", inf: "∞", "-inf": "−∞" };

// Three digits, as people write them: 0.00123, 1.2e−7, 12,345.
function digits(x) {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-3) return x.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e").replaceAll("-", "−");
  if (size >= 1000) return Math.round(x).toLocaleString("en-US").replace("-", "−");
  return String(Number(x.toPrecision(3))).replace("-", "−");
}

function amountText(amount, unit = "", scale = "log") {
  if (amount === null || amount === undefined) return "unknown";
  if (typeof amount === "string") return WORDS[amount] ?? amount;
  if (unit === "%") return `${digits(100 * amount)} %`;
  const steps = PREFIXES[unit];
  if (steps) {
    const [size, prefix] = steps.find(([least]) => Math.abs(amount) >= least) ?? (amount ? steps.at(-1) : [1, ""]);
    return `${digits(amount / size)} ${prefix}${unit}`;
  }
  if (scale === "linear" && amount >= 1e6) {  // what is counted
    const [size, name] = [[1e12, "T"], [1e9, "G"], [1e6, "M"]].find(([least]) => amount >= least);
    return `${digits(amount / size)} ${name}${unit}`;
  }
  return digits(amount) + (unit ? ` ${unit}` : "");
}

const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`;

function shapeText(shape) {
  if (shape.length && Array.isArray(shape[0])) return shape.map(shapeText).join(", ");
  return shape.length ? shape.join("×") : "scalar";
}
