// Statistics of an array, with its histogram as small bars.
function statisticsOf(title, statistics, name) {
  if (!statistics) return null;
  const { low, high } = statistics;
  const rows = [
    ["mean", amountText(statistics.mean)],
    ["std", amountText(statistics.std)],
    ["smallest", amountText(low)],
    ["largest", amountText(high)],
    ["norm", amountText(statistics.norm)],
    ["zeros", amountText(statistics.zeros, "%")],
  ];
  const bad = statistics.nonfinite ? html("p", { class: "bad" }, `${count(statistics.nonfinite, "element is", "elements are")} not finite`) : null;
  return section(title, histogram(statistics.counts ?? [], low, high, name), bad, html("div", { class: "facts" }, table(rows)));
}

function histogram(counts, low, high, name) {
  if (counts.length < 2) return null;
  const most = Math.max(...counts, 1);
  const [width, height] = [280, 56];
  const step = width / counts.length;
  const from = (k) => low + ((high - low) * k) / counts.length;
  const bars = counts.map((n, k) => {
    const tall = n ? Math.max(1.5, (height * n) / most) : 0;
    const words = `${count(n, "element")} from ${digits(from(k))} to ${digits(from(k + 1))}`;
    return svg("rect", { x: k * step + 0.75, y: height - tall, width: step - 1.5, height: tall }, svg("title", {}, words));
  });
  const label = `Histogram of the ${name} from ${digits(low)} to ${digits(high)}; the fullest of ${counts.length} bins holds ${most.toLocaleString("en-US")}`;
  const zero = low < 0 && high > 0 ? (-low / (high - low)) * width : null;
  return html(
    "figure", {},
    svg("svg", { class: `histogram ${name}`, viewBox: `0 0 ${width} ${height + 1}`, role: "img", "aria-label": label },
      svg("line", { x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5 }),
      zero === null ? null : svg("line", { class: "zero", x1: zero, x2: zero, y1: 0, y2: height }),
      ...bars),
    html("figcaption", {}, html("span", {}, digits(low)), html("span", {}, digits(high))),
  );
}
