// A graph drawn by forces: nodes push each other away, triples pull. Triples of one subject and one property share the property's name.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 200;
const STEPS = 300;
const ALONG = [0.5, 0.6, 0.4, 0.7, 0.3]; // where the name of a property may stand on its edge, the best place first

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
  const told = new Map();
  triples.forEach((t, i) => {
    const name = `${key(t.s)} ${t.p.value}`;
    if (!told.has(name)) told.set(name, { subject: node(t.s, key(t.s)), name: label(t.p), objects: [] });
    told.get(name).objects.push(node(t.o, t.o.kind === "literal" ? `${i}` : key(t.o)));
  });
  if (!nodes.size || nodes.size > MOST) return null;
  const hubs = [];
  const edges = [...told.values()].flatMap(({ subject, name, objects }) => {
    if (objects.length === 1) return [{ from: subject, to: objects[0], name }];
    const hub = { hub: name, x: 0, y: 0, dx: 0, dy: 0 };
    hubs.push(hub);
    return [{ from: subject, to: hub }, ...objects.map(to => ({ from: hub, to }))];
  });
  const all = [...nodes.values(), ...hubs];
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
    for (const { from: a, to: b } of edges) {
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
  const svg = s("svg", { viewBox: `${left} ${top} ${width} ${height}`, width: Math.round(width), height: Math.round(height), role: "group", "aria-label": `${nodes.size} nodes, ${triples.length} triples` });
  const taken = [];
  const free = (x, y, text) => { // about as wide as the text will be
    const box = [x - text.length * 3.1, y - 9, x + text.length * 3.1, y + 3];
    if (taken.some(other => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) return false;
    taken.push(box);
    return true;
  };
  for (const n of all) {
    n.text = n.hub ?? label(n.term);
    n.short = n.text.length > 26 ? `${n.text.slice(0, 25)}…` : n.text;
    n.at = (n.hub ? [n.y] : [n.y - 8, n.y + 15]).find(y => free(n.x, y, n.short)) ?? (n.hub ? n.y : n.y - 8); // above its node, else below
  }
  for (const edge of edges) {
    const { from, to, name } = edge;
    edge.drawn = s("g", {});
    edge.drawn.append(s("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: "edge" }));
    if (name) {
      const places = ALONG.map(part => [from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part]);
      const place = places.find(([x, y]) => free(x, y, name));
      const [x, y] = place ?? places[0];
      edge.drawn.append(s("text", { x, y, class: `edge-name${place ? "" : " crowded"}` }, name));
    }
    svg.append(edge.drawn);
  }
  for (const hub of hubs) svg.append(s("text", { x: hub.x, y: hub.at, class: "edge-name" }, hub.text));
  for (const n of nodes.values()) {
    const target = link(n.term);
    const group = target ? s("a", { href: target }) : s("g", {});
    group.append(s("title", {}, n.text || "a node without a name"), s("circle", { cx: n.x, cy: n.y, r: 5, class: n.term.kind }), s("text", { x: n.x, y: n.at, class: "node-name" }, n.short));
    const near = edges.filter(({ from, to }) => from === n || to === n);
    const show = shown => () => { for (const { drawn } of near) drawn.classList.toggle("near", shown); };
    for (const [kind, shown] of [["pointerenter", true], ["focusin", true], ["pointerleave", false], ["focusout", false]]) group.addEventListener(kind, show(shown));
    svg.append(group);
  }
  return svg;
};
