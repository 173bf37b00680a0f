// An answer shown: therapies by status, what changed, and what to record next.

import { capital, count, h, told as link } from "./page.js";

const UNITS = { d: "day", wk: "week", mo: "month", a: "year", h: "hour" };
const CONTINUE = { yes: "go on", stop: "stop it", review: "review" };
const DIRECTIONS = { for: "in favour", against: "against it", "not-recommended": "not recommended" };
const LISTS = [["cautions", "Cautions"], ["screening", "To be excluded first"], ["baseline", "Before the start"], ["monitoring", "While it is taken"]];

/** A link to where a node is told, beside the page: who followed it here would come back to an empty form. */
const AWAY = { target: "_blank", rel: "noopener" };
const told = (name, text, attributes = {}) => link(name, text, { ...AWAY, ...attributes });

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
    const state = t => t.status + (t.rank ? `, rank ${t.rank}` : "") + (t.continue ? `, ${CONTINUE[t.continue]}` : "");
    return after.therapies.filter(t => old[t.therapy] && state(old[t.therapy]) !== state(t)).map(t => ({ therapy: t.therapy, label: t.label, from: state(old[t.therapy]), to: state(t), status: t.status }));
  }

  /** Fill every body, also of what is closed: paper shows all. */
  fill() {
    for (const fill of this.fills) fill();
  }

  /** The therapies by status; those that are excluded folded where nothing that the guidelines treat is on record. */
  show(answer, changed, folded) {
    this.fills = [];
    const marked = new Set(changed.map(c => c.therapy));
    const groups = this.words.statuses.map(status => {
      const found = answer.therapies.filter(t => t.status === status.id).sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99) || a.label.localeCompare(b.label));
      if (!found.length) return "";
      const id = `group-${status.id}`;
      const rows = found.map(t => this.therapy(t, answer, marked.has(t.therapy)));
      const number = h("span", { class: "number" }, ` ${found.length}`);
      return h("section", { class: `group ${status.id}`, "aria-labelledby": id }, h("h3", { id }, status.title, number),
        folded && status.id === "excluded" ? h("details", {}, h("summary", {}, "Show them; nothing that the guidelines treat is on record"), rows) : rows);
    });
    this.place.replaceChildren(...groups.filter(Boolean));
  }

  /** Why a therapy has its status, on a line: what decides it first. */
  brief(t) {
    const missing = t.missing.length ? `record ${t.missing.map(m => m.label).join(", ")}` : "";
    const reason = t.status === "undetermined" ? "" : t.because[0]?.label ?? "";
    return capital([reason, missing].filter(Boolean).join("; "));
  }

  therapy(t, answer, changed) {
    const dose = t.status === "excluded" ? "" : t.regimens[0]?.text ?? "";
    const more = t.regimens.length > 1 ? ` (and ${t.regimens.length - 1} more)` : "";
    const box = h("details", { class: `therapy${changed ? " changed" : ""}`, open: this.open.has(t.therapy), "data-therapy": t.therapy, ontoggle: () => {
      if (box.open) this.open.add(t.therapy);
      else this.open.delete(t.therapy);
      if (box.open) fill();
    } }, h("summary", {},
      h("span", { class: "rank" }, t.rank ? h("span", { class: "spoken" }, "rank ") : "", t.rank ?? ""),
      h("span", { class: "name" }, capital(t.label), t.continue ? h("span", { class: `tag ${t.continue}` }, CONTINUE[t.continue]) : "", changed ? h("span", { class: "tag" }, "changed") : ""),
      h("span", { class: "brief" }, dose && t.status !== "undetermined" ? h("span", { class: "dose" }, dose + more) : "", h("span", { class: "why" }, this.brief(t)))));
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
    const kinds = b => h("span", { class: "reason" }, `${this.words.reasons[b.kind]}: `);
    const asked = new Set(t.missing.map(m => m.fact)); // a button for each fact, once
    const first = i => i.record && !asked.has(i.record) && asked.add(i.record);
    const applies = r => answer.guidelines.find(g => g.id === r.guideline)?.applies;
    const recommended = r => h("li", {}, told(r.guideline, this.label(r.guideline)), applies(r) === null ? " (not known whether it applies)" : "", ": ", told(r.id, DIRECTIONS[r.direction]), r.strength ? `, strength ${r.strength.value}` : "", r.certainty ? `, certainty ${r.certainty.value ?? r.certainty}` : "", this.sources(r));
    const ahead = { eligible: "What would change it", undetermined: "What would decide it" }[t.status] ?? "What must come first";
    const conflicts = answer.conflicts.filter(c => c.therapy === t.therapy);
    const parts = [
      ...this.part("Reasons", t.because.map(b => h("li", {}, kinds(b), criterion(b), this.sources(b), facts(b)))),
      ...this.part("Not known, and it decides", t.missing.map(m => h("li", {}, m.label, " ", this.button(m.fact, m.label)))),
      ...this.part(ahead, t.wouldChange.map(w => h("li", {}, w.if.map(i => i.label).join(" and "), ` → ${w.to} `, w.if.filter(first).map(i => [this.button(i.record, i.label, `Record ${i.label}`), " "])))),
      ...this.part("How it is given", t.regimens.map(r => h("li", {}, h("strong", {}, r.text), r.regulator ? ` (${r.regulator})` : "", this.sources(r)))),
      ...(t.reassess?.on || t.reassess?.after ? this.part("Judge the effect", [h("li", {}, t.reassess.on ? `on ${t.reassess.on}` : `after ${this.amount(t.reassess.after)}`, this.sources(t.reassess))]) : []),
      ...LISTS.flatMap(([key, title]) => this.part(title, t[key].map(c => h("li", {}, h("span", { class: "reason" }, key === "cautions" ? `${c.kind.replaceAll("-", " ")}: ` : ""), c.subject ? told(c.subject, c.label) : c.label, this.sources(c))))),
      ...this.part("Recommendations", t.recommendations.filter(r => applies(r) !== false).map(recommended)),
      ...this.part("Sources differ", conflicts.map(c => h("li", {}, `${c.label}:`, h("ul", {}, c.between.map(side => h("li", {}, h("em", {}, this.label(side.source)), `: ${side.says}`, this.sources(side))))))),
      ...this.part("Not for this patient", t.recommendations.filter(r => applies(r) === false).map(recommended)),
    ];
    const tree = h("div", { class: "explanation", "aria-live": "polite" });
    const foot = h("p", { class: "foot" },
      h("button", { type: "button", onclick: () => this.explain(t.therapy, tree) }, `Explain ${t.label}`), " ",
      told(t.therapy, "All that is told of it"), " · ", h("a", { href: `compare?first=${encodeURIComponent(t.therapy)}`, ...AWAY }, "Compare"));
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

  button(fact, label, shown = "Record") {
    return h("button", { type: "button", class: "small", "aria-label": `Record ${label}`, onclick: () => this.record(fact) }, shown);
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

  /** What to record and do; before all else what the patient is without as a whole. */
  todo(place, answer, lacking) {
    const facts = Answer.next(answer);
    const known = this.words.labels;
    const listed = set => `decides ${[...set].sort().join(", ")}`;
    const before = lacking.map(f => h("li", {}, h("span", {}, f.said), this.button(f.fact, this.label(f.fact))));
    const record = facts.filter(f => !lacking.some(l => l.fact === f.fact)).map(f => h("li", {}, h("span", {}, capital(f.label), h("small", {}, listed(f.decides))), this.button(f.fact, f.label)));
    const act = answer.actions.filter(a => !facts.some(f => f.fact === a.action)).map(a => h("li", {}, h("span", {}, capital(a.label), this.sources(a), a.unblocks.length ? h("small", {}, `opens the way to ${a.unblocks.map(t => this.label(t)).join(", ")}`) : ""), this.words.labels[a.action] ? this.button(a.action, a.label) : ""));
    place.replaceChildren(
      h("h3", {}, "To be recorded"), before.length + record.length ? h("ol", { class: "todo" }, before, record) : h("p", { class: "none" }, "No missing fact decides anything now."),
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

const MARKS = { blocks: ["✗", "false"], open: ["?", "unknown"], clear: ["✓", "true"] };

/** A line of an explanation, with words for what programs read: the kind of a reason or caution, a direction, and what becomes of a course. */
const worded = (text, part, words) => text
  .replace(/^[a-z]+(?:-[a-z]+)*(?=: )/u, kind => (part === "reasons" && words.reasons[kind]) || kind.replaceAll("-", " "))
  .replace(/; direction ([a-z-]+)(?=;)/u, (_, word) => `; ${DIRECTIONS[word]}`)
  .replace(/, continue: (\w+)$/u, (_, word) => `, ${CONTINUE[word]}`);

/** An explanation as nested lists. */
export const tree = (node, words, above = "", part = "") => {
  const text = worded(node.text, part, words);
  const sources = (node.sources ?? []).join(" ");
  const [mark, style] = MARKS[node.bearing] ?? [];
  return h("li", {}, mark ? h("span", { class: `truth ${style}` }, mark, h("span", { class: "spoken" }, ` ${node.bearing}`), " ") : "",
    node.about ? told(node.about, text) : text, node.truth ? h("span", { class: "truth" }, ` ${node.truth}`) : "",
    sources && sources !== above ? h("span", { class: "sources" }, node.sources.flatMap(s => [" ", told(s, words.sources[s] ?? s, { class: "source", title: words.statements[s] })])) : "",
    node.children?.length ? h("ul", {}, node.children.map(child => tree(child, words, sources || above, node.text))) : "");
};
