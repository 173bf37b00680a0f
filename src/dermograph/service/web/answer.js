// An answer shown: therapies by status, what changed, and what to record next.

import { capital, count, h, told } from "./page.js";

const UNITS = { d: "day", wk: "week", mo: "month", a: "year", h: "hour" };
const LISTS = [["cautions", "Cautions"], ["screening", "To be excluded first"], ["baseline", "Before the start"], ["monitoring", "While it is taken"]];

export class Answer {
  /** An answer in an element; record opens the field of a fact, explain gives the tree of a therapy. */
  constructor(place, words, record, explain) {
    Object.assign(this, { place, words, record, explain, open: new Set(), fills: [] });
  }

  label(name) {
    return this.words.labels[name] ?? this.words.therapies.find(t => t.id === name)?.label ?? this.words.guidelines[name] ?? name;
  }

  sources(item) {
    const links = [...(item.statements ?? []).map(s => told(s, s, { title: this.words.statements[s], class: "source" })),
      ...(item.sources ?? []).map(s => told(s, this.words.sources[s] ?? this.label(s), { class: "source" }))];
    return links.length ? h("span", { class: "sources" }, " ", links.flatMap((link, i) => i ? [" ", link] : [link])) : "";
  }

  /** What an answer says otherwise than the one before. */
  static changes(before, after) {
    const old = Object.fromEntries(before.therapies.map(t => [t.therapy, t]));
    const state = t => t.status + (t.rank ? `, rank ${t.rank}` : "") + (t.continue ? `, continue: ${t.continue}` : "");
    return after.therapies.filter(t => old[t.therapy] && state(old[t.therapy]) !== state(t)).map(t => ({ therapy: t.therapy, label: t.label, from: state(old[t.therapy]), to: state(t), status: t.status }));
  }

  /** Fill every body, also of what is closed: paper shows all. */
  fill() {
    for (const fill of this.fills) fill();
  }

  show(answer, changed) {
    this.fills = [];
    const marked = new Set(changed.map(c => c.therapy));
    const groups = this.words.statuses.map(status => {
      const found = answer.therapies.filter(t => t.status === status.id).sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99) || a.label.localeCompare(b.label));
      return found.length ? h("section", { class: `group ${status.id}`, "aria-labelledby": `group-${status.id}` }, h("h3", { id: `group-${status.id}` }, status.title, h("span", { class: "number" }, ` ${found.length}`)),
        found.map(t => this.therapy(t, answer, marked.has(t.therapy)))) : "";
    });
    this.place.replaceChildren(...groups.filter(Boolean));
  }

  therapy(t, answer, changed) {
    const reasons = t.because.map(b => b.label);
    const dose = t.status === "excluded" ? "" : t.regimens[0]?.text ?? "";
    const more = t.regimens.length > 1 ? ` (and ${t.regimens.length - 1} more)` : "";
    const brief = t.missing.length ? `Record: ${t.missing.map(m => m.label).join(", ")}` : reasons[0] ?? "";
    const box = h("details", { class: `therapy${changed ? " changed" : ""}`, open: this.open.has(t.therapy), "data-therapy": t.therapy, ontoggle: () => {
      if (box.open) this.open.add(t.therapy);
      else this.open.delete(t.therapy);
      if (box.open) fill();
    } }, h("summary", {},
      h("span", { class: "rank" }, t.rank ? h("span", { class: "spoken" }, "rank ") : "", t.rank ?? ""),
      h("span", { class: "name" }, capital(t.label), t.continue ? h("span", { class: `tag ${t.continue}` }, `continue: ${t.continue}`) : "", changed ? h("span", { class: "tag" }, "changed") : ""),
      h("span", { class: "brief" }, dose && t.status !== "undetermined" ? h("span", { class: "dose" }, dose + more) : "", h("span", { class: "why" }, brief))));
    const body = h("div", { class: "body" });
    const fill = () => { if (!body.firstChild) body.append(...this.body(t, answer)); };
    if (box.open) fill();
    this.fills.push(fill);
    box.append(body);
    return box;
  }

  part(title, items) {
    return items.length ? [h("h4", {}, title), h("ul", {}, items)] : [];
  }

  body(t, answer) {
    const criterion = b => b.criterion ? told(b.criterion, b.label) : b.label;
    const facts = b => b.facts?.length ? h("small", { class: "facts-used" }, "On record: ", b.facts.map(f => this.fact(f)).join("; ")) : "";
    const kinds = b => h("span", { class: "reason" }, b.kind.replaceAll("-", " ") + ": ");
    const conflicts = answer.conflicts.filter(c => c.therapy === t.therapy);
    const parts = [
      ...this.part("Reasons", t.because.map(b => h("li", {}, kinds(b), criterion(b), this.sources(b), facts(b)))),
      ...this.part("Not known, and it decides", t.missing.map(m => h("li", {}, m.label, " ", this.button(m.fact, m.label)))),
      ...this.part(t.status === "eligible" ? "What would change it" : "What must come first", t.wouldChange.map(w => h("li", {}, w.if.map(i => i.label).join(" and "), ` → ${w.to} `, w.if.filter(i => i.record).map(i => this.button(i.record, i.label))))),
      ...this.part("How it is given", t.regimens.map(r => h("li", {}, h("strong", {}, r.text), r.regulator ? ` (${r.regulator})` : "", this.sources(r)))),
      ...(t.reassess?.on || t.reassess?.after ? this.part("Judge the effect", [h("li", {}, t.reassess.on ? `on ${t.reassess.on}` : `after ${this.amount(t.reassess.after)}`, this.sources(t.reassess))]) : []),
      ...LISTS.flatMap(([key, title]) => this.part(title, t[key].map(c => h("li", {}, h("span", { class: "reason" }, key === "cautions" ? `${c.kind.replaceAll("-", " ")}: ` : ""), c.subject ? told(c.subject, c.label) : c.label, this.sources(c))))),
      ...this.part("Recommendations", t.recommendations.map(r => h("li", {}, told(r.guideline, this.label(r.guideline)), ": ", told(r.id, r.direction === "for" ? "in favour" : r.direction), r.strength ? `, strength ${r.strength.value}` : "", r.certainty ? `, certainty ${r.certainty.value ?? r.certainty}` : "", this.sources(r)))),
      ...this.part("Sources differ", conflicts.map(c => h("li", {}, `${c.label}:`, h("ul", {}, c.between.map(side => h("li", {}, h("em", {}, this.label(side.source)), `: ${side.says}`, this.sources(side))))))),
    ];
    const tree = h("div", { class: "explanation", "aria-live": "polite" });
    const foot = h("p", { class: "foot" },
      h("button", { type: "button", onclick: () => this.explain(t.therapy, tree) }, `Explain ${t.label}`), " ",
      told(t.therapy, "All that is told of it"), " · ", h("a", { href: `compare?first=${encodeURIComponent(t.therapy)}` }, "Compare"));
    return [...parts, foot, tree];
  }

  fact(f) {
    const value = f.value === null ? "" : ` ${this.words.labels[f.value] ?? f.value.toString().replace(/^[a-z]+:/u, "")}`;
    return `${this.words.labels[f.fact] ?? f.fact.replace(/^[a-z]+:/u, "")}${value}${f.unit ? ` ${f.unit}` : ""}${f.date ? ` (${f.date})` : ""}`;
  }

  amount(a) {
    const number = a.value ?? `${a.low} to ${a.high}`;
    return UNITS[a.unit] ? `${number} ${UNITS[a.unit]}${number === 1 ? "" : "s"}` : `${number} ${a.unit}`;
  }

  button(fact, label) {
    return h("button", { type: "button", class: "small", "aria-label": `Record ${label}`, onclick: () => this.record(fact) }, "Record");
  }

  /** What to record, the fact that decides most first, and what to do. */
  static next(answer) {
    const facts = new Map();
    const note = (fact, label, therapy) => {
      const known = facts.get(fact) ?? { fact, label, decides: new Set() };
      known.decides.add(therapy);
      facts.set(fact, known);
    };
    for (const t of answer.therapies) {
      for (const m of t.missing) note(m.fact, m.label, t.label);
      for (const w of t.wouldChange) for (const i of w.if) if (i.record) note(i.record, i.label, t.label);
    }
    return [...facts.values()].sort((a, b) => b.decides.size - a.decides.size || a.label.localeCompare(b.label));
  }

  todo(place, answer) {
    const facts = Answer.next(answer);
    const known = this.words.labels;
    const listed = set => `decides ${[...set].sort().join(", ")}`;
    const record = facts.map(f => h("li", {}, h("span", {}, capital(f.label), h("small", {}, listed(f.decides))), this.button(f.fact, f.label)));
    const act = answer.actions.filter(a => !facts.some(f => f.fact === a.action)).map(a => h("li", {}, h("span", {}, capital(a.label), this.sources(a), a.unblocks.length ? h("small", {}, `opens the way to ${a.unblocks.map(t => this.label(t)).join(", ")}`) : ""), this.words.labels[a.action] ? this.button(a.action, a.label) : ""));
    place.replaceChildren(
      h("h3", {}, "To be recorded"), record.length ? h("ol", { class: "todo" }, record) : h("p", { class: "none" }, "No missing fact decides anything now."),
      ...(act.length ? [h("h3", {}, "To be done"), h("ol", { class: "todo" }, act)] : []),
      answer.assumptions.length ? h("details", { class: "fold" }, h("summary", {}, `${count(answer.assumptions.length, "condition")} taken as absent, since nothing is recorded of them`), h("p", {}, answer.assumptions.map(a => known[a.condition] ?? a.condition).join(", "))) : "");
  }

  /** Where the patient stands, a line for each guideline. */
  places(answer) {
    return answer.guidelines.map(g => {
      const place = answer.pathway.find(p => p.guideline === g.id);
      const steps = names => names.map(s => this.words.steps[s] ?? s).join(", ") || "no step";
      const text = g.applies === false ? "does not speak of this patient" : `${g.applies ? "" : "not known whether it applies; "}at ${steps(place.at)}; next ${steps(place.next)}`;
      return h("li", { class: g.applies === false ? "aside" : "" }, told(g.id, this.label(g.id)), `: ${text}`);
    });
  }
}

const TRUTHS = { holds: "true", "does not hold": "false", "not known": "unknown" };
const MARKS = { blocks: ["✗", "false"], open: ["?", "unknown"], clear: ["✓", "true"] };

/** An explanation as nested lists. */
export const tree = (node, words, above = "") => {
  const sources = (node.sources ?? []).join(" ");
  const [mark, style] = MARKS[node.bearing] ?? [];
  return h("li", {}, mark ? h("span", { class: `truth ${style}` }, mark, h("span", { class: "spoken" }, ` ${node.bearing}`), " ") : "",
    node.about ? told(node.about, node.text) : node.text, node.truth ? h("span", { class: `truth ${TRUTHS[node.truth]}` }, ` ${node.truth}`) : "",
    sources && sources !== above ? h("span", { class: "sources" }, node.sources.flatMap(s => [" ", told(s, words.sources[s] ?? s, { class: "source", title: words.statements[s] })])) : "",
    node.children?.length ? h("ul", {}, node.children.map(child => tree(child, words, sources || above))) : "");
};
