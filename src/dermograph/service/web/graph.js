// N-Triples read and written, and Turtle written: https://www.w3.org/TR/n-triples/

const IRI = "<([^\\x00-\\x20<>\"{}|^`\\\\]*)>";
const BLANK = "_:([\\w.\\-\\u00b7-\\uffff]*[\\w\\-\\u00b7-\\uffff])";
const TEXT = "\"((?:[^\"\\\\\\n\\r]|\\\\.)*)\"(?:@([A-Za-z0-9-]+)|\\^\\^<([^>]*)>)?";
const LINE = new RegExp(`^\\s*(?:${IRI}|${BLANK})\\s+${IRI}\\s+(?:${IRI}|${BLANK}|${TEXT})\\s*\\.\\s*(?:#.*)?$`, "u");
const NAMED = { t: "\t", b: "\b", n: "\n", r: "\r", f: "\f", "\"": "\"", "'": "'", "\\": "\\" };
export const STRING = "http://www.w3.org/2001/XMLSchema#string";

const plain = text => text.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/gu, (_, short, long, name) => name ? NAMED[name] : String.fromCodePoint(parseInt(short ?? long, 16)));
const ESCAPED = { "\\": "\\\\", "\"": "\\\"", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
// eslint-disable-next-line no-control-regex
const escaped = text => text.replace(/[\\"\u0000-\u001f\u007f]/gu, c => ESCAPED[c] ?? "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

export const iri = value => ({ kind: "iri", value });
export const blank = value => ({ kind: "blank", value });
export const literal = (value, datatype = STRING, language = "") => ({ kind: "literal", value, datatype, language });
export const same = (a, b) => a.kind === b.kind && a.value === b.value && a.datatype === b.datatype && a.language === b.language;

/** Triples of a text; throws where a line is none. */
export const parse = text => text.split(/\r?\n/u).filter(line => line.trim() && !line.trim().startsWith("#")).map(line => {
  const found = LINE.exec(line);
  if (!found) throw new Error(`not a triple: ${line}`);
  const [, s, sBlank, p, o, oBlank, value, language, datatype] = found;
  const object = o !== undefined ? iri(plain(o)) : oBlank !== undefined ? blank(oBlank) : literal(plain(value), datatype ? plain(datatype) : STRING, language ?? "");
  return { s: s !== undefined ? iri(plain(s)) : blank(sBlank), p: iri(plain(p)), o: object };
});

export const term = t => t.kind === "iri" ? `<${t.value.replace(/[\u0000-\u0020<>"{}|^`\\]/gu, encodeURIComponent)}>`
  : t.kind === "blank" ? `_:${t.value}`
    : `"${escaped(t.value)}"` + (t.language ? `@${t.language}` : t.datatype === STRING ? "" : `^^<${t.datatype}>`);

/** Triples as N-Triples. */
export const nTriples = triples => triples.map(t => `${term(t.s)} ${term(t.p)} ${term(t.o)} .\n`).join("");

/** Triples as Turtle: each record inside the patient it hangs from. */
export const turtle = (triples, prefixes) => {
  const used = new Set();
  const short = t => {
    if (t.kind === "literal") {
      const own = prefixes.xsd && t.datatype.startsWith(prefixes.xsd);
      if (t.datatype === STRING || t.language || !own) return term(t);
      used.add("xsd");
      return `"${escaped(t.value)}"^^xsd:${t.datatype.slice(prefixes.xsd.length)}`;
    }
    for (const [name, space] of Object.entries(prefixes)) {
      const local = t.kind === "iri" && t.value.startsWith(space) && t.value.slice(space.length);
      if (local && /^[A-Za-z][\w-]*$/u.test(local)) {
        used.add(name);
        return `${name}:${local}`;
      }
    }
    return term(t);
  };
  const of = new Map();
  const uses = new Map();
  for (const t of triples) {
    const key = term(t.s);
    of.set(key, [...of.get(key) ?? [], t]);
    if (t.o.kind === "blank") uses.set(term(t.o), (uses.get(term(t.o)) ?? 0) + 1);
  }
  const inside = key => key.startsWith("_:") && uses.get(key) === 1 && of.has(key);
  const word = p => p.value === prefixes.rdf + "type" ? "a" : short(p);
  const told = new Set();
  const object = (o, depth) => {
    const key = term(o);
    if (!inside(key) || told.has(key) || depth > 20) return short(o);
    told.add(key);
    return `[ ${of.get(key).map(t => `${word(t.p)} ${object(t.o, depth + 1)}`).join(" ; ")} ]`;
  };
  const write = key => {
    told.add(key);
    return `${short(of.get(key)[0].s)} ${of.get(key).map(t => `${word(t.p)} ${object(t.o, 0)}`).join(" ;\n    ")} .\n`;
  };
  const body = [...of.keys()].filter(key => !inside(key)).map(write);
  for (const key of of.keys()) if (!told.has(key)) body.push(write(key)); // blank nodes in a circle
  return [...used].sort().map(name => `@prefix ${name}: <${prefixes[name]}> .\n`).join("") + "\n" + body.join("\n");
};
