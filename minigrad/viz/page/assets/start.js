// Everything is put in its place.
const THEMES = { light: "M8 4.2a3.8 3.8 0 1 0 0 7.6a3.8 3.8 0 1 0 0-7.6M8 .5v1.7M8 13.8v1.7M.5 8h1.7M13.8 8h1.7M2.7 2.7l1.2 1.2M12.1 12.1l1.2 1.2M2.7 13.3l1.2-1.2M12.1 3.9l1.2-1.2", dark: "M13.5 9.8A6 6 0 0 1 6.2 2.5A6 6 0 1 0 13.5 9.8Z" };
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light");

function toggleTheme() {
  document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
  drawTheme();
}

function drawTheme() {
  const other = theme() === "dark" ? "light" : "dark";
  $("theme").replaceChildren(svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: THEMES[other] })));
  $("theme").setAttribute("aria-label", `Switch to ${other} colors`);
  $("theme").title = `${other} colors (t)`;
}

function startMenu() {
  $("quantity").append(...quantities.map(({ name, label }) => html("option", { value: name }, label)));
  if (quantities.some(({ name }) => name === graph.color_by)) $("quantity").value = graph.color_by;
  $("quantity").addEventListener("change", paint);
  $("color").hidden = quantities.length < 2;
}

function start() {
  $("backward").hidden = !order.length;  // now, as it takes its room from the stage
  drawTheme();
  drawHelp();
  startMenu();
  watchPointers($("canvas"));
  watchMap($("map"));
  $("fit").append(svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" })));
  const clicks = { theme: toggleTheme, ask: () => $("help").showModal(), in: () => zoomAt(1.25), out: () => zoomAt(0.8), fit: () => fit(shown.layout.size), skip: () => $("panel").focus() };
  for (const [id, action] of Object.entries(clicks)) $(id).addEventListener("click", action);
  prefersDark.addEventListener("change", drawTheme);
  $("canvas").addEventListener("click", (event) => event.target === $("canvas") && !moved && select(null));
  $("query").addEventListener("input", drawResults);
  $("query").addEventListener("keydown", onSearchKey);
  $("query").addEventListener("blur", () => ($("results").hidden = true));
  $("query").addEventListener("focus", () => $("query").value && drawResults());
  addEventListener("keydown", onKey);
  addEventListener("popstate", readPlace);
  readPlace();
  startBackward();
  watchSize($("stage"));
}

start();
