// A patient as a form holds it, made from triples and made into triples; what no field holds is kept as it came.

import { blank, iri, literal, term } from "./graph.js";

export class Record {
  constructor(words) {
    this.words = words;
    this.name = iri("urn:dermograph:patient");
    this.values = {};
    this.rows = [];
    this.rest = [];
    this.next = 0;
    this.classes = Object.fromEntries(Object.entries(words.kinds).map(([link, kind]) => [link, new Map(kind.classes.map(c => [c.id, c]))]));
  }

  iri(name) {
    const [prefix, local] = name.split(/:(.*)/su);
    return iri(Object.hasOwn(this.words.prefixes, prefix) ? this.words.prefixes[prefix] + local : name);
  }

  compact(value) {
    for (const [prefix, space] of Object.entries(this.words.prefixes)) if (value.startsWith(space)) return `${prefix}:${value.slice(space.length)}`;
    return value;
  }

  /** Property of the records under a link that a class is of. */
  linkOf(name) {
    return Object.keys(this.classes).find(link => this.classes[link].has(name));
  }

  /** A new row; as a draft it says nothing until more is told of it. */
  add(link, cls = "", draft = true) {
    const id = ++this.next;
    const row = { id, link, cls, values: {}, absent: false, draft, node: blank(`form${id}`) };
    const unit = this.classes[link].get(cls)?.unit;
    if (unit) row.values["pt:unit"] = [unit];
    this.rows.push(row);
    return row;
  }

  /** The value of a property as a field holds it; undefined where no field can. */
  fitting(property, object, about) {
    if (property.values) {
      const name = object.kind === "iri" && this.compact(object.value);
      return property.values.some(v => v.id === name) ? name : undefined;
    }
    if (!property.type) {
      const types = about.get(term(object)) ?? [];
      const cls = types.length === 1 && types[0].p.value === this.iri("rdf:type").value && this.compact(types[0].o.value);
      return cls && Object.values(this.classes).some(known => known.has(cls)) ? cls : undefined;
    }
    if (object.kind !== "literal" || object.language) return undefined;
    const type = this.compact(object.datatype);
    if (property.type === "xsd:date") return type === "xsd:date" && /^\d{4}-\d\d-\d\d$/u.test(object.value) ? object.value : undefined;
    const numbers = property.type === "xsd:integer" ? ["xsd:integer"] : ["xsd:decimal", "xsd:integer"];
    if (property.type === "xsd:string") return type === "xsd:string" ? object.value : undefined;
    return numbers.includes(type) ? object.value : undefined;
  }

  /** Take a patient over from triples. */
  static from(words, triples, name) {
    const record = new Record(words);
    record.name = name.startsWith("_:") ? blank(name.slice(2)) : iri(record.iri(name).value);
    const patient = term(record.name);
    const about = new Map();
    for (const t of triples) about.set(term(t.s), [...about.get(term(t.s)) ?? [], t]);
    const used = new Set();
    const type = record.iri("rdf:type").value;
    const take = (properties, target, t) => {
      const property = properties.find(p => p.id === record.compact(t.p.value));
      const value = property && record.fitting(property, t.o, about);
      if (value === undefined || (property.single && target[property.id]?.length)) return;
      target[property.id] = [...target[property.id] ?? [], value];
      used.add(t);
      if (!property.values && !property.type) for (const inner of about.get(term(t.o))) used.add(inner);
    };
    for (const t of about.get(patient) ?? []) {
      const link = record.compact(t.p.value);
      if (t.p.value === type && record.compact(t.o.value) === "pt:Patient") used.add(t);
      else if (link === "pt:absent" && record.classes["pt:condition"].has(record.compact(t.o.value))) {
        record.add("pt:condition", record.compact(t.o.value), false).absent = true;
        used.add(t);
      } else if (record.classes[link]) {
        const own = about.get(term(t.o)) ?? [];
        const types = own.filter(o => o.p.value === type);
        const cls = types.length === 1 && record.compact(types[0].o.value);
        if (!cls || !record.classes[link].has(cls)) continue;
        const row = record.add(link, cls, false);
        row.values = {};
        row.node = t.o;
        used.add(t).add(types[0]);
        for (const inner of own) if (!used.has(inner)) take(words.kinds[link].properties, row.values, inner);
      } else take(words.patient, record.values, t);
    }
    record.rest = triples.filter(t => !used.has(t));
    return record;
  }

  /** Whether more is said of the node of a row than its fields hold. */
  more(row) {
    return this.rest.some(t => term(t.s) === term(row.node));
  }

  /** Take a row out, with what no field holds of it. */
  remove(row) {
    this.rows = this.rows.filter(r => r !== row);
    this.rest = this.rest.filter(t => term(t.s) !== term(row.node));
  }

  /** Why a row says too little to be sent: "" where it says enough, "draft" where only its class is chosen, else the property that it lacks. */
  short(row) {
    if (row.absent || this.more(row)) return "";
    const told = Object.entries(row.values).some(([property, values]) => values.length && property !== "pt:unit"); // its unit comes with its class
    const lacks = this.words.kinds[row.link].properties.find(p => p.required && !row.values[p.id]?.length);
    return lacks?.label ?? (row.draft && !told ? "draft" : "");
  }

  whole(row) {
    return row.cls && !this.short(row);
  }

  /** The rows that a finding of the service is about: by node, else by class. A blank node comes back with a mark behind its name. */
  rowsOf(focus) {
    const own = name => focus === name || (focus.startsWith(`${name}x`) && focus.length === name.length + 13);
    const found = this.rows.filter(row => own(row.node.value));
    return found.length ? found : this.rows.filter(row => row.cls && this.iri(row.cls).value === focus);
  }

  /** The day asked about. */
  day() {
    const now = new Date();
    return this.values["pt:asOf"]?.[0] ?? [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(n => `${n}`.padStart(2, "0")).join("-");
  }

  triples() {
    const found = [{ s: this.name, p: this.iri("rdf:type"), o: this.iri("pt:Patient") }];
    const tell = (subject, properties, values, stem) => {
      for (const property of properties) {
        for (const [place, value] of (values[property.id] ?? []).entries()) {
          if (property.values) found.push({ s: subject, p: this.iri(property.id), o: this.iri(value) });
          else if (property.type) found.push({ s: subject, p: this.iri(property.id), o: literal(value, this.iri(this.typed(property, value)).value) });
          else {
            const node = blank(`${stem}c${place}`);
            found.push({ s: subject, p: this.iri(property.id), o: node }, { s: node, p: this.iri("rdf:type"), o: this.iri(value) });
          }
        }
      }
    };
    tell(this.name, this.words.patient, this.values, "form0");
    for (const row of this.rows.filter(r => this.whole(r))) {
      if (row.absent) {
        found.push({ s: this.name, p: this.iri("pt:absent"), o: this.iri(row.cls) });
        continue;
      }
      found.push({ s: this.name, p: this.iri(row.link), o: row.node }, { s: row.node, p: this.iri("rdf:type"), o: this.iri(row.cls) });
      tell(row.node, this.words.kinds[row.link].properties, row.values, `form${row.id}`);
    }
    return [...found, ...this.rest];
  }

  typed(property, value) {
    return property.type === "xsd:decimal" && /^[+-]?\d+$/u.test(value) ? "xsd:integer" : property.type;
  }
}
