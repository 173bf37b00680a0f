// The form of a patient, made from the words of the ontology.

import { capital, h } from "./page.js";
import { nTriples } from "./graph.js";

const FIELD = { "xsd:date": { type: "date", min: "1900-01-01", max: "2200-12-31" }, "xsd:decimal": { inputmode: "decimal" }, "xsd:integer": { inputmode: "numeric" } };
const NUMBER = { "xsd:decimal": /^[+-]?(\d+(\.\d+)?|\.\d+)$/u, "xsd:integer": /^[+-]?\d+$/u };
const KINDS = ["pt:condition", "pt:observation", "pt:course", "pt:assessment"]; // in this order, and others after them
const PERSON = ["pt:birthDate", "pt:ageYears", "pt:sex", "pt:asOf"];
const ROW = ["pt:value", "pt:unit", "pt:start", "pt:end", "pt:outcome", "pt:result", "pt:date", "pt:status", "pt:severity"];
const MANY = 4; // properties beyond which those that are no choice are opened on demand

const inOrder = (items, order, name = item => item.id) => {
  const place = item => order.includes(name(item)) ? order.indexOf(name(item)) : order.length;
  return [...items].sort((a, b) => place(a) - place(b));
};

export class Form {
  /** A form in an element; changed is called after each change. */
  constructor(place, words, changed) {
    this.place = place;
    this.words = words;
    this.changed = changed;
    this.wrong = new Set();
  }

  show(record) {
    this.record = record;
    this.wrong.clear();
    const person = h("fieldset", { class: "person" }, h("legend", {}, "Person"));
    for (const property of inOrder(this.words.patient.filter(p => p.values || p.type), PERSON)) person.append(this.field(property, record.values, `person-${property.id}`));
    person.append(h("small", { class: "said", id: "person-said" }));
    this.lists = Object.fromEntries(inOrder(Object.entries(this.words.kinds), KINDS, ([link]) => link).map(([link, kind]) => [link, this.list(link, kind)]));
    this.rest = h("div", {}, this.kept());
    this.place.replaceChildren(person, ...Object.values(this.lists).map(l => l.box), this.rest);
  }

  kept() {
    if (!this.record.rest.length) return "";
    return h("details", { class: "fold kept", open: true }, h("summary", {}, "Kept as it came"),
      h("p", {}, "No field holds these statements. They are sent along with the rest."),
      h("pre", { tabindex: "0", role: "region", "aria-label": "Statements that no field holds" }, h("code", {}, nTriples(this.record.rest))),
      h("small", { class: "said", id: "kept-said" }));
  }

  list(link, kind) {
    const rows = h("div", { class: "rows" });
    const title = capital(`${kind.label}s`);
    const empty = h("p", { class: "none" }, "None recorded.");
    const said = h("small", { class: "said", id: `list-${link}-said` });
    const add = h("button", { type: "button", onclick: () => this.open(link) }, `Add ${/^[aeiou]/u.test(kind.label) ? "an" : "a"} ${kind.label}`);
    const box = h("fieldset", {}, h("legend", {}, title), empty, rows, said, add);
    const found = { box, rows, empty, said, add };
    for (const row of this.record.rows.filter(r => r.link === link)) rows.append(this.row(row, kind, found));
    empty.hidden = rows.children.length > 0;
    return found;
  }

  /** A row for a class, an unfinished one where there is one; brought into view with its first open field in focus. */
  open(link, cls = "", property = "") {
    const same = this.record.rows.find(r => r.link === link && r.cls === cls && cls && (property || !this.record.whole(r)));
    const row = same ?? this.record.add(link, cls);
    const list = this.lists[link];
    if (!same) {
      list.rows.append(this.row(row, this.words.kinds[link], list));
      list.empty.hidden = true;
    }
    const item = list.rows.querySelector(`[data-row="${row.id}"]`);
    const properties = this.words.kinds[link].properties;
    const first = property || (properties.find(p => p.required) ?? properties.find(p => p.values))?.id;
    const field = (cls && item.querySelector(`[data-property="${first}"]`)) || item.querySelector("select");
    field.closest("details")?.setAttribute("open", "");
    item.classList.add("opened");
    setTimeout(() => item.classList.remove("opened"), 2000);
    field.focus();
    field.scrollIntoView({ block: "center" });
  }

  /** The field of the person. */
  openPerson(property) {
    this.go(`person-${property}`);
  }

  /** A row; its class stays in place when it is changed, so that a name can be typed into it. */
  row(row, kind, list) {
    const classes = this.record.classes[row.link];
    const plain = [];
    const more = [];
    for (const property of inOrder(kind.properties, ROW)) {
      const near = kind.properties.length <= MANY || (property.values && property.single);
      (near ? plain : more).push(property);
    }
    const choose = h("select", { class: "class", id: `row-${row.id}-class`, "aria-label": capital(kind.label), onchange: () => {
      const before = classes.get(row.cls)?.unit;
      row.cls = choose.value;
      const unit = classes.get(row.cls)?.unit;
      if (unit && (!row.values["pt:unit"] || row.values["pt:unit"][0] === before)) row.values["pt:unit"] = [unit];
      row.draw();
      this.changed();
    } }, h("option", { value: "" }, "Choose …"), this.options(kind.classes, row.cls));
    const remove = h("button", { type: "button", class: "remove", onclick: () => {
      this.record.remove(row);
      this.rest.replaceChildren(this.kept());
      this.right(row);
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      list.empty.hidden = list.rows.children.length > 0;
      (next?.querySelector(".remove") ?? list.add).focus();
      this.changed();
    } }, "×");
    const [fields, rest, said, short] = [h("div", { class: "fields" }), h("div", {}), h("small", { class: "said", id: `row-${row.id}-said` }), h("p", { class: "short" })];
    const item = h("div", { class: "row", role: "group", "data-row": row.id }, h("div", { class: "head" }, choose, remove), fields, rest, said, short);
    const field = property => this.field(property, row.values, `row-${row.id}-${property.id}`, row);
    row.draw = () => {
      this.right(row);
      const name = classes.get(row.cls)?.label;
      item.setAttribute("aria-label", name ? capital(name) : `New ${kind.label}`);
      remove.setAttribute("aria-label", `Remove ${name ?? kind.label}`);
      fields.replaceChildren(...(row.cls ? plain.filter(p => !row.absent || p.id === "pt:status").map(field) : []));
      const filled = more.some(p => row.values[p.id]?.length);
      rest.replaceChildren(row.cls && more.length && !row.absent ? h("details", { class: "more", open: filled }, h("summary", {}, more.map(p => p.label).join(", ")), h("div", { class: "fields" }, more.map(field))) : "");
      row.weigh();
    };
    row.weigh = () => short.replaceChildren(...this.short(row, kind));
    row.draw();
    return item;
  }

  /** Why a row is left out, with what takes it in: one that was only opened says nothing yet. */
  short(row, kind) {
    const lacks = row.cls && this.record.short(row);
    if (!lacks) return [];
    if (lacks !== "draft") return [`Left out until its ${lacks} is there.`];
    const dated = kind.properties.some(p => p.id === "pt:date");
    const day = this.record.day();
    const take = () => {
      row.draft = false;
      if (dated) row.values["pt:date"] = [day];
      row.draw();
      this.place.querySelector(`[data-row="${row.id}"] .fields [data-property]`).focus();
      this.changed();
    };
    const told = dated ? (this.record.values["pt:asOf"] ? `Done on ${day}` : "Done today") : "Record it without more";
    return ["Left out until more is told of it. ", h("button", { type: "button", class: "small", onclick: take }, told)];
  }

  /** Forget what could not be read in the fields of a row. */
  right(row) {
    for (const id of this.wrong) if (id.startsWith(`row-${row.id}-`)) this.wrong.delete(id);
  }

  /** Mark what findings are about, and give each the place where it stands. */
  tell(findings) {
    for (const marked of this.place.querySelectorAll(".said, [aria-invalid]")) {
      if (this.wrong.has(marked.id) || this.wrong.has(marked.id.replace(/-said$/u, ""))) continue;
      if (marked.matches(".said")) marked.replaceChildren();
      else marked.removeAttribute("aria-invalid");
    }
    return findings.map(finding => {
      const rows = this.record.rowsOf(finding.focus);
      const whole = finding.focus !== this.record.name.value ? "kept" : this.lists[finding.path] ? `list-${finding.path}` : "person";
      const ids = rows.length ? rows.map(row => `row-${row.id}`) : [whole];
      return { ...finding, at: ids.map(id => this.mark(id, finding)).find(Boolean) };
    });
  }

  mark(stem, finding) {
    const field = finding.severity === "Info" ? null : document.getElementById(`${stem}-${finding.path}`); // an info is about the whole
    const said = document.getElementById(`${field?.id ?? stem}-said`);
    if (this.wrong.has(field?.id) || !said) return field?.id;
    const bad = finding.severity === "Violation";
    said.append(h("span", { class: bad ? "wrong" : "hint" }, finding.said));
    if (bad) {
      if (field?.matches("input, select")) field.setAttribute("aria-invalid", "true");
      field?.closest("details")?.setAttribute("open", "");
    }
    return field?.id ?? document.getElementById(`${stem}-class`)?.id;
  }

  /** Bring a field into view and focus. */
  go(id) {
    const field = document.getElementById(id);
    field.closest("details")?.setAttribute("open", "");
    (field.querySelector("input") ?? field).focus();
    field.scrollIntoView({ block: "center" });
  }

  options(classes, chosen) {
    return classes.map(c => h("option", { value: c.id, selected: c.id === chosen, title: c.definition }, "\u2003".repeat(c.depth) + c.label));
  }

  /** A labelled field for a property. */
  field(property, values, id, row = null) {
    const given = values[property.id] ?? [];
    const set = told => {
      if (told.length) values[property.id] = told;
      else delete values[property.id];
      row?.weigh();
      this.changed();
    };
    const said = h("small", { id: `${id}-said`, class: "said" });
    const common = { id, "data-property": property.id, autocomplete: "off", title: property.definition, "aria-describedby": `${id}-said` };
    const label = h("label", { for: id }, property.label);
    if (property.values && !property.single) {
      const boxes = property.values.map(v => h("label", {}, h("input", { type: "checkbox", value: v.id, autocomplete: "off", "data-property": property.id, checked: given.includes(v.id), onchange: event => {
        const now = values[property.id] ?? [];
        set(event.target.checked ? [...now, v.id] : now.filter(other => other !== v.id));
      } }), ` ${v.label}`));
      return h("fieldset", { class: "boxes", id, "aria-describedby": `${id}-said` }, h("legend", {}, property.label), boxes, said);
    }
    if (property.values || !property.type) {
      const absent = row && property.id === "pt:status" ? this.words.patient.find(p => p.id === "pt:absent") : null;
      const options = property.values?.map(v => h("option", { value: v.id, selected: given[0] === v.id && !row?.absent, title: v.definition }, v.label))
        ?? this.options(this.words.kinds["pt:course"].classes, given[0]);
      const select = h("select", { ...common, onchange: event => {
        if (!row || property.id !== "pt:status") return set(event.target.value ? [event.target.value] : []);
        const was = row.absent;
        row.absent = event.target.value === "pt:absent";
        set(event.target.value && !row.absent ? [event.target.value] : []);
        if (was !== row.absent) {
          row.draw();
          document.getElementById(id).focus();
        }
        return undefined;
      } }, h("option", { value: "" }, "not recorded"), options, absent ? h("option", { value: absent.id, selected: row.absent, title: absent.definition }, "looked for, and absent") : "");
      return h("div", { class: "field" }, label, select, said);
    }
    const check = () => {
      const text = input.value.trim().replace(",", ".");
      const bad = input.validity.badInput || input.validity.rangeOverflow || input.validity.rangeUnderflow || (text && NUMBER[property.type] && !NUMBER[property.type].test(text));
      if (Boolean(bad) === this.wrong.has(id) && (bad || text === (values[property.id]?.[0] ?? ""))) return;
      input.setAttribute("aria-invalid", bad ? "true" : "false");
      said.replaceChildren(bad ? h("span", { class: "wrong" }, property.type === "xsd:date" ? "No whole date" : "No number") : "");
      if (bad) this.wrong.add(id);
      else this.wrong.delete(id);
      if (bad) this.changed();
      else set(text ? [text] : []);
    };
    const input = h("input", { ...common, type: "text", value: given[0] ?? "", placeholder: property.type === "xsd:date" ? null : "not recorded", spellcheck: "false", ...FIELD[property.type], oninput: check, onchange: check, onblur: check });
    return h("div", { class: "field" }, label, input, said);
  }
}
