// Search by name, path, op, kind and class: every word must occur.
const LONGEST = 60;
const places = [
  ...graph.calls.filter((call) => itemOfCall.has(call.id)).map((call) => ({
    kind: "module", name: call.name || call.kind, path: callPath(call), detail: call.kind, target: itemOfCall.get(call.id),
  })),
  ...graph.nodes.filter((node) => itemOfNode.has(node.id)).map((node) => ({
    kind: node.kind, name: node.kind === "parameter" ? node.name.split(".").at(-1) : node.name, path: nodePath(node), detail: shapeText(node.shape), target: itemOfNode.get(node.id),
  })),
].map((place) => ({ ...place, text: `${place.name} ${place.path} ${KIND_NAMES[place.kind]} ${place.detail}`.toLowerCase() }));

let found = [];
let chosen = -1;

function search(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const rank = (place) => {
    const name = place.name.toLowerCase();
    if (name === words[0] || place.path.toLowerCase() === words[0]) return 0;
    if (name.startsWith(words[0])) return 1;
    return place.text.startsWith(words[0]) || name.includes(words[0]) ? 2 : 3;
  };
  return places.filter((place) => words.every((word) => place.text.includes(word))).sort((a, b) => rank(a) - rank(b));
}

function drawResults() {
  const query = $("query").value;
  found = search(query);
  const rows = found.slice(0, LONGEST).map((place, k) =>
    html("li", { id: `result-${k}`, role: "option", "aria-selected": "false", pointerdown: (event) => event.preventDefault(), click: () => openResult(k) },
      glyph(place.kind), html("span", { class: "name" }, place.name), tail("where", place.path === place.name ? "" : place.path), html("span", { class: "detail" }, place.detail)));
  if (found.length > LONGEST) rows.push(html("li", { class: "more", role: "presentation" }, `and ${found.length - LONGEST} more`));
  if (!found.length && query.trim()) rows.push(html("li", { class: "more", role: "presentation" }, "Nothing found."));
  $("results").replaceChildren(...rows);
  $("results").hidden = !rows.length;
  $("query").setAttribute("aria-expanded", String(rows.length > 0));
  choose(found.length ? 0 : -1);
}

function choose(k) {
  chosen = k;
  [...$("results").children].forEach((row, i) => row.setAttribute("aria-selected", String(i === k)));
  if (k < 0) return $("query").removeAttribute("aria-activedescendant");
  $("query").setAttribute("aria-activedescendant", `result-${k}`);
  return $("results").children[k].scrollIntoView({ block: "nearest" });
}

function openResult(k) {
  const place = found[k];
  closeResults();
  if (place) goTo(place.target);
}

function closeResults() {
  $("results").hidden = true;
  $("query").setAttribute("aria-expanded", "false");
  $("query").value = "";
}

function onSearchKey(event) {
  const last = Math.min(found.length, LONGEST) - 1;
  const move = { ArrowDown: Math.min(last, chosen + 1), ArrowUp: Math.max(0, chosen - 1) }[event.key];
  if (move !== undefined && found.length) choose(move);
  else if (event.key === "Enter") openResult(Math.max(0, chosen));
  else if (event.key === "Escape") {
    closeResults();
    $("query").blur();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
