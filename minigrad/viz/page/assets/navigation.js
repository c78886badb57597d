// Where one is: the level that is shown, and what is selected in it. The address keeps both, so that Back goes back.
let selected = null;

const itemOf = (key) => shown.level.items.find((item) => item.key === key);

function show(level, key = null, { focus = false, from = "in", remember = true } = {}) {
  const changed = shown.level !== level || !shown.groups.size;
  if (changed) stage(level, from);
  select(key, { remember: false });
  if (changed) fit(shown.layout.size, { readable: true });
  if (key) reveal(key);
  if (focus) shown.groups.get(key ?? level.items[0]?.key)?.focus({ preventScroll: true });
  if (remember) keepPlace(changed);
}

function stage(level, from) {
  drawLevel(level);
  drawPath(level);
  if (still()) return;
  const start = { opacity: 0, transform: from === "in" ? "scale(0.94)" : "scale(1.05)" };
  $("canvas").animate([start, { opacity: 1, transform: "none" }], { duration: 180, easing: "ease-out" });
}

function enter(call, options = {}) {
  if (levelOf.has(call)) show(levelOf.get(call), null, { focus: true, ...options });
}

function leave() {
  const target = itemOfCall.get(shown.level.call);
  if (target) show(target.level, target.key, { focus: true, from: "out" });
  else select(null);
}

// Go to a node or call, wherever it is.
function goTo(target, options = {}) {
  if (target) show(target.level, target.key, { focus: true, ...options });
}

function activate(item) {
  if ("call" in item && levelOf.has(item.call)) enter(item.call);
  else if ("port" in item) goTo(itemOfNode.get(item.port));
  else select(item.key);
}

function select(key, { remember = true } = {}) {
  selected = key && shown.groups.has(key) ? key : null;
  for (const [other, group] of shown.groups) {
    group.classList.toggle("selected", other === selected);
    if (other === selected) group.setAttribute("aria-current", "true");
    else group.removeAttribute("aria-current");
  }
  for (const { from, to, group } of shown.edges) {
    group.classList.toggle("near", selected !== null && (from === selected || to === selected));
  }
  document.body.classList.toggle("empty", selected === null);
  drawPanel();
  if (remember) keepPlace(false);
}

// ---- the path in the header -----------------------------------------------------------------------------------

function drawPath(level) {
  const places = [root, ...around(level.call).map((call) => levelOf.get(call)).filter((at) => at !== root)];
  const entries = places.map((at, k) => {
    const name = at.call === null ? graph.title || "graph" : shortTitle(calls.get(at.call));
    const last = k === places.length - 1;
    const button = html("button", { type: "button", "aria-current": last ? "location" : null, click: () => last || climb(at, places[k + 1]) }, name);
    return html("li", {}, button);
  });
  $("path").firstElementChild.replaceChildren(...entries);
  $("path").firstElementChild.scrollLeft = 1e6;
  document.title = [...entries.slice(1).map((entry) => entry.textContent).reverse(), graph.title || "graph", "minigrad"].join(" · ");
}

const shortTitle = (call) => (/^\d*$/.test(call.name) ? callTitle(call) : call.name);

const climb = (level, inner) => show(level, itemOfCall.get(inner.call)?.key, { focus: true, from: "out" });

// ---- the address ----------------------------------------------------------------------------------------------

function keepPlace(step) {
  const item = selected ? itemOf(selected) : null;
  const call = shown.level.call;
  const place = item && "node" in item ? `#n${item.node}` : item && "call" in item ? `#c${item.call}` : call === null ? "#" : `#in${call}`;
  try {
    if (step) history.pushState(null, "", place);
    else history.replaceState(null, "", place);
  } catch {
    // In a frame without an address of its own there is nothing to keep.
  }
}

function readPlace() {
  const [, kind, number] = /^#(n|c|in)(\d+)$/.exec(location.hash) ?? [];
  const options = { remember: false, focus: false };
  if (kind === "n" && itemOfNode.has(+number)) return goTo(itemOfNode.get(+number), options);
  if (kind === "c" && itemOfCall.has(+number)) return goTo(itemOfCall.get(+number), options);
  if (kind === "in" && levelOf.has(+number)) return enter(+number, options);
  return show(firstLevel(), null, options);
}

// A model alone in an empty frame is no sight: begin inside of it.
function firstLevel() {
  let level = root;
  for (;;) {
    const inner = level.items.filter((item) => "call" in item);
    const ops = level.items.some((item) => kindOf(item) === "op");
    if (inner.length !== 1 || ops || !levelOf.has(inner[0].call)) return level;
    level = levelOf.get(inner[0].call);
  }
}
