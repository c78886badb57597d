// The data of the page, and where everything in it is found.
const { graph, levels, layouts, palette } = JSON.parse($("data").textContent);
const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
const calls = new Map(graph.calls.map((call) => [call.id, call]));
const levelOf = new Map(levels.map((level) => [level.call, level]));
const root = levels[0];

// In which level, and as which item, a node or call is seen.
const itemOfNode = new Map();
const itemOfCall = new Map();
for (const level of levels) {
  for (const item of level.items) {
    if ("node" in item) itemOfNode.set(item.node, { level, key: item.key });
    if ("call" in item) itemOfCall.set(item.call, { level, key: item.key });
  }
}

const inputs = new Map(graph.nodes.map((node) => [node.id, []]));
const readers = new Map(graph.nodes.map((node) => [node.id, []]));
for (const [from, to, position] of graph.edges) {
  inputs.get(to).push({ id: from, position });
  readers.get(from).push({ id: to, position });
}
for (const list of inputs.values()) list.sort((a, b) => a.position - b.position);

// The nodes in each call, those in inner calls too.
const members = new Map(graph.calls.map((call) => [call.id, []]));
for (const node of graph.nodes) {
  for (let call = node.call; call !== null; call = calls.get(call).outer) members.get(call).push(node);
}

// The calls around a level, outermost first, itself included.
function around(call) {
  const chain = [];
  for (let inner = call; inner !== null && inner !== undefined; inner = itemOfCall.get(inner)?.level.call ?? null) {
    chain.unshift(inner);
  }
  return chain;
}

const callPath = (call) => call.path || call.name || call.kind;
const callTitle = (call) => [call.name, call.kind].filter(Boolean).join(" ") || "module";

function nodePath(node) {
  if (node.kind === "parameter" || node.call === null) return node.name;
  return [calls.get(node.call).path, node.name].filter(Boolean).join(".");
}

// What an item stands for: its kind, its nodes, its amounts.
function kindOf(item) {
  if ("call" in item) return "module";
  return "port" in item ? "port" : nodes.get(item.node).kind;
}

function nodesOf(item) {
  if ("call" in item) return members.get(item.call);
  return "port" in item ? [] : [nodes.get(item.node)];
}

function amountOf(item, name) {
  const owner = "call" in item ? calls.get(item.call) : "port" in item ? null : nodes.get(item.node);
  return owner?.amounts?.[name] ?? null;
}

const normOf = (node) => node.gradient?.norm ?? node.amounts?.gradient_norm ?? null;

// The backward pass: for each step the nodes whose cotangents are then complete.
const steps = [];
for (const node of graph.nodes) {
  if (typeof node.step === "number") (steps[node.step] ??= []).push(node);
}
const order = steps.filter(Boolean);
