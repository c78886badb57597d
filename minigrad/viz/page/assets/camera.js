// What part of a level is seen: pan by dragging and two fingers, zoom by wheel, pinch, buttons and keys.
const camera = { x: 0, y: 0, k: 1 };
const LEAST = 0.05;
const MOST = 4;
let lastSize = { width: 0, height: 0 };
let moved = false;  // whether the pointer was dragged since it went down: then its click selects nothing

const stageSize = () => ({ width: $("canvas").clientWidth, height: $("canvas").clientHeight });

function aim(x, y, k) {
  Object.assign(camera, { x, y, k: Math.min(MOST, Math.max(LEAST, k)) });
  $("scene").setAttribute("transform", `translate(${camera.x.toFixed(2)} ${camera.y.toFixed(2)}) scale(${camera.k.toFixed(4)})`);
  $("canvas").dataset.zoom = camera.k.toFixed(3);
  updateMap();
}

// How large the level is drawn so that all of it is seen; small ones are not blown up.
function fitScale([width, height]) {
  const stage = stageSize();
  return Math.min(1.35, (stage.width - 48) / width, (stage.height - 104) / height);
}

function fit(size, { readable = false } = {}) {
  const stage = (lastSize = stageSize());
  const whole = fitScale(size);
  const k = readable && whole < 0.5 ? 0.85 : whole;
  const x = (stage.width - size[0] * k) / 2;
  const y = k > whole ? 40 : Math.max(28, (stage.height - 52 - size[1] * k) / 2);
  aim(x, y, k);
  if (k > whole) reveal(shown.level.items[0]?.key, 0.5);
}

function zoomAt(factor, px = stageSize().width / 2, py = stageSize().height / 2) {
  const k = Math.min(MOST, Math.max(LEAST, camera.k * factor));
  aim(px - ((px - camera.x) * k) / camera.k, py - ((py - camera.y) * k) / camera.k, k);
}

// Bring an item into sight, with as little movement as that needs.
function reveal(key, place = null) {
  const box = shown.boxes.get(key);
  if (!box) return;
  const stage = stageSize();
  const [x, y] = [camera.x + box.x * camera.k, camera.y + box.y * camera.k];
  const [rx, ry] = [Math.min(stage.width / 2, (box.width / 2) * camera.k + 24), Math.min(stage.height / 2, (box.height / 2) * camera.k + 40)];
  const dx = place === null ? Math.max(0, rx - x) - Math.max(0, x + rx - stage.width) : stage.width * place - x;
  const dy = Math.max(0, ry - y) - Math.max(0, y + ry - stage.height);
  if (dx || dy) aim(camera.x + dx, camera.y + dy, camera.k);
}

function onWheel(event) {
  event.preventDefault();
  const bounds = $("canvas").getBoundingClientRect();
  const [px, py] = [event.clientX - bounds.left, event.clientY - bounds.top];
  // A mouse wheel moves in coarse notches and down only; two fingers on a trackpad move in small steps, and sideways.
  const notches = event.deltaMode !== 0 || (event.deltaX === 0 && Math.abs(event.deltaY) >= 80);
  const unit = event.deltaMode === 1 ? 33 : 1;
  if (event.ctrlKey || event.metaKey) zoomAt(Math.exp(-event.deltaY * unit * 0.01), px, py);
  else if (notches && !event.shiftKey) zoomAt(Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY * unit) * 0.002)), px, py);
  else if (event.shiftKey && !event.deltaX) aim(camera.x - event.deltaY * unit, camera.y, camera.k);
  else aim(camera.x - event.deltaX, camera.y - event.deltaY, camera.k);
}

function watchPointers(canvas) {
  const down = new Map();
  const spread = () => {
    const [a, b] = [...down.values()];
    return { size: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };
  canvas.addEventListener("wheel", onWheel, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY, startX: event.clientX, startY: event.clientY });
    if (down.size === 1) moved = false;
  });
  addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) return;
    const before = down.size === 2 ? spread() : null;
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    if (!moved && Math.hypot(event.clientX - last.startX, event.clientY - last.startY) < 4) return;
    moved = true;
    canvas.classList.add("dragged");
    Object.assign(last, { x: event.clientX, y: event.clientY });
    if (!before) return aim(camera.x + dx, camera.y + dy, camera.k);
    const after = spread();
    const bounds = canvas.getBoundingClientRect();
    aim(camera.x + after.x - before.x, camera.y + after.y - before.y, camera.k);
    zoomAt(after.size / Math.max(1, before.size), after.x - bounds.left, after.y - bounds.top);
  });
  const up = (event) => {
    down.delete(event.pointerId);
    if (!down.size) canvas.classList.remove("dragged");
  };
  addEventListener("pointerup", up);
  addEventListener("pointercancel", up);
}

// When the stage gets another size, its middle stays where it was.
function watchSize(stage) {
  new ResizeObserver(() => {
    const size = stageSize();
    if (size.width === lastSize.width && size.height === lastSize.height) return;
    aim(camera.x + (size.width - lastSize.width) / 2, camera.y + (size.height - lastSize.height) / 2, camera.k);
    lastSize = size;
    if (selected) reveal(selected);
  }).observe(stage);
}

// ---- the small map of a level that is larger than the stage -----------------------------------------------------

function drawMap(layout) {
  const map = $("map");
  const [width, height] = layout.size;
  const k = Math.min(150 / width, 190 / height);
  for (const [name, value] of Object.entries({ width: width * k, height: height * k, viewBox: `0 0 ${width} ${height}` })) map.setAttribute(name, value);
  map.replaceChildren(
    ...layout.boxes.map(([x, y, w, h]) => svg("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h })),
    svg("rect", { class: "window" }),
  );
}

function updateMap() {
  const map = $("map");
  const stage = stageSize();
  const [width, height] = shown.layout.size;
  map.toggleAttribute("hidden", narrow() || (width * camera.k <= stage.width + 1 && height * camera.k <= stage.height + 1));
  const frame = { x: -camera.x / camera.k, y: -camera.y / camera.k, width: stage.width / camera.k, height: stage.height / camera.k };
  for (const [name, value] of Object.entries(frame)) map.lastChild?.setAttribute(name, value);
}

function watchMap(map) {
  const go = (event) => {
    if (!(event.buttons & 1)) return;
    const bounds = map.getBoundingClientRect();
    const [width, height] = shown.layout.size;
    const stage = stageSize();
    const x = ((event.clientX - bounds.left) / bounds.width) * width;
    const y = ((event.clientY - bounds.top) / bounds.height) * height;
    aim(stage.width / 2 - x * camera.k, stage.height / 2 - y * camera.k, camera.k);
  };
  map.addEventListener("pointerdown", go);
  map.addEventListener("pointermove", go);
}
