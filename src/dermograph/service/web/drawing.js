// A graph drawn by forces: nodes push each other away, triples pull.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 200;
const STEPS = 300;

const s = (tag, attributes, text = "") => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.append(text);
  return made;
};

/** The triples as SVG; null where there are too many nodes. */
export const draw = (triples, label, link) => {
  const nodes = new Map();
  const node = (t, key) => {
    if (!nodes.has(key)) nodes.set(key, { term: t, x: 0, y: 0, dx: 0, dy: 0 });
    return nodes.get(key);
  };
  const key = t => `${t.kind} ${t.value} ${t.datatype ?? ""} ${t.language ?? ""}`;
  const edges = triples.map((t, i) => [node(t.s, key(t.s)), node(t.o, t.o.kind === "literal" ? `${i}` : key(t.o)), label(t.p)]);
  const all = [...nodes.values()];
  if (!all.length || all.length > MOST) return null;
  all.forEach((n, i) => { // a spiral to begin with, so that the same graph is always drawn alike
    n.x = 40 * Math.sqrt(i) * Math.cos(2.4 * i);
    n.y = 40 * Math.sqrt(i) * Math.sin(2.4 * i);
  });
  const ideal = 90;
  for (let step = 0; step < STEPS; step++) {
    const most = 40 * (1 - step / STEPS) + 1;
    for (const a of all) {
      a.dx = -a.x * 0.02;
      a.dy = -a.y * 0.04;
      for (const b of all) {
        if (a === b) continue;
        const [x, y] = [(a.x - b.x) / 1.6, a.y - b.y];
        const far = Math.max(x * x + y * y, 25);
        a.dx += x * ideal * ideal / far / Math.sqrt(far) * 6;
        a.dy += y * ideal * ideal / far / Math.sqrt(far) * 6;
      }
    }
    for (const [a, b] of edges) {
      const [x, y] = [b.x - a.x, b.y - a.y];
      const pull = (Math.hypot(x, y) - ideal) * 0.05;
      const far = Math.hypot(x, y) || 1;
      a.dx += x / far * pull * 4;
      a.dy += y / far * pull * 4;
      b.dx -= x / far * pull * 4;
      b.dy -= y / far * pull * 4;
    }
    for (const n of all) {
      const far = Math.hypot(n.dx, n.dy) || 1;
      n.x += n.dx / far * Math.min(far, most);
      n.y += n.dy / far * Math.min(far, most);
    }
  }
  const [left, top] = [Math.min(...all.map(n => n.x)) - 90, Math.min(...all.map(n => n.y)) - 30];
  const [width, height] = [Math.max(...all.map(n => n.x)) - left + 90, Math.max(...all.map(n => n.y)) - top + 30];
  const svg = s("svg", { viewBox: `${left} ${top} ${width} ${height}`, width: Math.round(width), height: Math.round(height), role: "group", "aria-label": `${all.length} nodes, ${edges.length} triples` });
  for (const [a, b, name] of edges) {
    svg.append(s("line", { x1: a.x, y1: a.y, x2: b.x, y2: b.y, class: "edge" }));
    svg.append(s("text", { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, class: "edge-name" }, name));
  }
  for (const n of all) {
    const text = label(n.term);
    const short = text.length > 26 ? `${text.slice(0, 25)}…` : text;
    const target = link(n.term);
    const group = target ? s("a", { href: target }) : s("g", {});
    group.append(s("title", {}, text || "a node without a name"), s("circle", { cx: n.x, cy: n.y, r: 5, class: n.term.kind }), s("text", { x: n.x, y: n.y - 8, class: "node-name" }, short));
    svg.append(group);
  }
  return svg;
};
