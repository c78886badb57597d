// The keyboard. All that the mouse can do, it can.
const KEYS = [
  ["← ↑ → ↓, Tab", "from node to node"],
  ["Enter, Space", "enter a module, or select a node"],
  ["Escape, Backspace", "leave the module"],
  ["/", "search"],
  ["+  −  0", "zoom in, zoom out, show all"],
  ["[  ]", "one step of the backward pass back, ahead"],
  ["p", "play the backward pass, pause"],
  ["c", "color by"],
  ["t", "light, dark"],
  ["?", "this help"],
];
const MOUSE = [
  ["drag, two fingers", "pan"],
  ["wheel, pinch", "zoom"],
  ["click", "select"],
  ["double click", "enter a module"],
];

function drawHelp() {
  const rows = (pairs) => html("dl", {}, ...pairs.flatMap(([keys, does]) => [html("dt", {}, ...keys.split(", ").flatMap((key, k) => [k ? " " : "", html("kbd", {}, key)])), html("dd", {}, does)]));
  $("help").replaceChildren(
    html("h2", { id: "help-title" }, "Keys"), rows(KEYS),
    html("h2", {}, "Mouse and touch"), rows(MOUSE),
    html("form", { method: "dialog" }, html("button", { type: "button", class: "go", click: () => $("help").close() }, "Close")),
  );
  $("help").addEventListener("click", (event) => event.target === $("help") && $("help").close());
}

const focusedKey = () => document.activeElement?.closest?.(".item")?.dataset.key ?? null;

// The nearest item in a direction: what lies straight ahead counts as nearer.
function neighbor(key, [dx, dy]) {
  const from = shown.boxes.get(key);
  let best = null;
  for (const [other, box] of shown.boxes) {
    const [x, y] = [box.x - from.x, box.y - from.y];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (other === key || ahead < 4 || aside > 3 * ahead + 40) continue;
    const far = ahead + 2 * aside;
    if (!best || far < best.far) best = { other, far };
  }
  return best?.other ?? null;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onArrow(direction) {
  const from = focusedKey() ?? selected;
  const to = focusedKey() === null ? from ?? shown.level.items[0]?.key : neighbor(from, direction);
  if (!to) return;
  shown.groups.get(to).focus({ preventScroll: true });
  reveal(to);
}

const ACTIONS = {
  "/": () => $("query").focus(),
  "?": () => $("help").showModal(),
  "+": () => zoomAt(1.25),
  "=": () => zoomAt(1.25),
  "-": () => zoomAt(0.8),
  "0": () => fit(shown.layout.size),
  "[": () => order.length && setStep(stepShown() - 1),
  "]": () => order.length && setStep(stepShown() + 1),
  p: () => order.length && play(),
  c: () => $("quantity").focus(),
  t: () => toggleTheme(),
  Escape: () => leave(),
  Backspace: () => leave(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || $("help").open) return;
  const { target, key } = event;
  const field = target.matches?.("input[type=text], select");
  if (field && key !== "Escape") return;
  if (field) return target.blur();
  const slider = target === $("step");
  if (ARROWS[key]) {
    if (slider || target.closest?.("#panel")) return;
    onArrow(ARROWS[key]);
  } else if (key === "Enter" || key === " ") {
    const at = focusedKey();
    if (at === null) return;
    activate(itemOf(at));
  } else if (ACTIONS[key]) {
    ACTIONS[key]();
  } else return;
  event.preventDefault();
}
