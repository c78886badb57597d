// The backward pass, step by step: a node lights up when its cotangent is complete.
let playing = null;

const stepShown = () => (order.length ? Number($("step").value) : 0);  // 0: it has not begun

function backwardProgress() {
  const step = stepShown();
  if (!step) return null;
  const lit = new Set(order.slice(0, step).flat());
  return { lit, now: new Set(order[step - 1]), all: new Set(order.flat()) };
}

// Light one item; what is shown of it then is the norm of its cotangent (in a module, of the one that came last).
function lightItem(item, group, progress) {
  const own = "port" in item ? [nodes.get(item.port)] : nodesOf(item);
  const inner = own.filter((node) => !progress || progress.all.has(node));
  const lit = progress ? inner.filter((node) => progress.lit.has(node)) : [];
  const now = progress ? inner.find((node) => progress.now.has(node)) : null;
  group.classList.toggle("waiting", progress !== null && !lit.length);
  group.classList.toggle("lit", lit.length > 0);
  group.classList.toggle("current", Boolean(now) && !("port" in item));
  group.classList.toggle("partly", lit.length > 0 && lit.length < inner.length);
  if (!lit.length || "port" in item) return null;
  const last = now ?? lit.reduce((a, b) => (b.step > a.step ? b : a));
  const norm = normOf(last);
  return norm === null ? null : `‖g‖ ${amountText(norm)}`;
}

// The cotangent of a current node comes from those that use it: over the edges that leave it.
function lightEdges(progress) {
  for (const { from, to, group } of shown.edges) {
    const [start, end] = [shown.groups.get(from), shown.groups.get(to)];
    const arrived = progress !== null && start.classList.contains("lit") && end.classList.contains("lit");
    group.classList.toggle("lit", arrived);
    group.classList.toggle("flow", arrived && start.classList.contains("current"));
    group.classList.toggle("waiting", progress !== null && !arrived);
  }
}

function setStep(step) {
  $("step").value = Math.min(order.length, Math.max(0, step));
  onStep();
}

function onStep() {
  const step = stepShown();
  const first = step ? order[step - 1][0] : null;
  const words = step ? `step ${step} of ${order.length}` : "not begun";
  $("step").setAttribute("aria-valuetext", first ? `${words}: ${nodePath(first)}` : words);
  $("step").style.setProperty("--share", `${(100 * step) / Math.max(1, order.length)}%`);
  document.body.classList.toggle("backward", step > 0);
  $("now").replaceChildren(...(first ? nowParts(step, order[step - 1]) : [html("span", { class: "muted" }, `${order.length} steps from the output to the first inputs`)]));
  paint();
  if (step) reveal(document.querySelector(".item.current")?.dataset.key);
}

function nowParts(step, group) {
  const [node] = group;
  const norm = normOf(node);
  const elsewhere = itemOfNode.get(node.id)?.level !== shown.level;
  return [
    html("span", { class: "count" }, `${step} / ${order.length}`),
    html("button", { type: "button", class: "link", title: "Show this node", click: () => goTo(itemOfNode.get(node.id), { focus: false }) },
      html("span", { class: "label" }, nodePath(node)), elsewhere ? html("span", { class: "muted" }, " ↗") : null),
    html("span", { class: "norm" }, norm === null ? "" : `‖g‖ = ${amountText(norm)}`),
    group.length > 1 ? html("span", { class: "muted" }, `and ${group.length - 1} more`) : null,
  ].filter(Boolean);
}

// ---- playing --------------------------------------------------------------------------------------------------

function play() {
  if (playing !== null) return pause();
  if (stepShown() >= order.length) setStep(0);
  // Some twenty seconds at most; where less motion is asked for, still pictures at a calm pace.
  const pace = still() ? Math.max(1000, 20000 / order.length) : Math.min(600, Math.max(60, 20000 / order.length));
  playing = setInterval(() => {
    setStep(stepShown() + 1);
    if (stepShown() >= order.length) pause();
  }, pace);
  return drawPlay();
}

function pause() {
  clearInterval(playing);
  playing = null;
  drawPlay();
}

function drawPlay() {
  const active = playing !== null;
  $("now").setAttribute("aria-live", active ? "off" : "polite");  // nobody can listen to some ten steps a second
  const path = active ? "M5 3h3v10H5zM10 3h3v10h-3z" : "M5 3l8 5-8 5z";
  $("play").replaceChildren(svg("svg", { viewBox: "0 0 18 16", "aria-hidden": "true" }, svg("path", { d: path })));
  $("play").setAttribute("aria-label", active ? "Pause the backward pass" : "Play the backward pass");
}

function startBackward() {
  if (!order.length) return;
  $("step").max = order.length;
  $("step").addEventListener("input", () => {
    pause();
    onStep();
  });
  $("play").addEventListener("click", play);
  drawPlay();
  onStep();
}
