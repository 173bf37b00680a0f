// The page of a patient: form on one side, answer on the other. Nothing of the patient is kept or put into an address.

import { Answer, tree } from "./answer.js";
import { ages, said } from "./findings.js";
import { Form } from "./form.js";
import { nTriples, parse, turtle } from "./graph.js";
import { answer as ask, count, download, h, problem } from "./page.js";
import { facts } from "./paper.js";
import { Record } from "./record.js";
import { reported } from "./report.js";

const WAIT = 250; // milliseconds after a change before it is sent
const PATIENCE = 300; // milliseconds that an answer may take before the one before is marked as such
const ENDINGS = { ttl: "text/turtle", nt: "application/n-triples", nq: "application/n-quads", trig: "application/trig", jsonld: "application/ld+json", rdf: "application/rdf+xml", xml: "application/rdf+xml", ndjson: "application/fhir+ndjson" };
const FHIR = "application/fhir+json";
const $ = id => document.getElementById(id);

const words = await ask("api/words").then(told => told.json()).catch(error => {
  $("form").replaceChildren(problem(error, () => location.reload()));
  return new Promise(() => {}); // without words there is no form: wait for ever
});
let record = new Record(words);
let edited = false;
let last = null;
let sent = 0;
let timer = 0;
let slow = 0;
let stop = new AbortController();

const graph = () => nTriples(record.triples());
const send = (path, options = {}) => ask(path, { method: "POST", headers: { "Content-Type": "application/n-triples" }, body: graph(), ...options });

const say = (place, ...children) => {
  place.replaceChildren(...children);
  place.hidden = !children.length;
};

/** What stands below is the answer before, for a reason that is told; without one it is the answer to what is recorded. */
const standing = (why = "") => {
  clearTimeout(slow);
  $("answers").classList.toggle("stale", Boolean(why && last));
  $("save-json").disabled = Boolean(why);
  say($("standing"), ...(why ? [h("strong", {}, why), last ? " What stands below is the answer before." : ""] : []));
};

/** What stops an answer, each with a way to its field. */
const faults = found => h("ul", {}, found.map(f => h("li", {}, f.at ? h("a", { href: `#${f.at}`, onclick: event => {
  event.preventDefault();
  form.go(f.at);
} }, f.said) : f.said)));

/** Ask for the answer to what is recorded, with what the shapes find in it. */
const assess = async () => {
  const own = ++sent;
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  const busy = yes => $("answers").setAttribute("aria-busy", yes);
  busy(!form.wrong.size);
  $("answers").dataset.settled = "false";
  if (form.wrong.size) {
    const unread = [...form.wrong].map(id => ({ at: id, said: `${document.querySelector(`label[for="${id}"]`).textContent}: cannot be read` }));
    say($("fault"), faults(unread));
    return standing(`${count(unread.length, "field")} cannot be read.`);
  }
  clearTimeout(slow);
  slow = setTimeout(() => standing("Asking …"), PATIENCE);
  const findings = send("api/validate", { signal }).then(found => found.json()).then(found => found.patients[0].findings);
  findings.catch(() => {}); // the assessment tells it too
  try {
    const found = await (await send("api/assess", { signal })).json();
    const breaches = await findings;
    if (own !== sent) return undefined;
    say($("fault"));
    standing();
    tell(found, told(breaches));
  } catch (error) {
    if (own !== sent || error.name === "AbortError") return undefined;
    const breaches = await findings.catch(() => error.problem?.findings ?? []);
    if (own !== sent) return undefined;
    const wrong = told(breaches).filter(f => f.severity === "Violation");
    say($("fault"), wrong.length ? h("div", {}, h("p", {}, h("strong", {}, "This cannot be so")), faults(wrong)) : problem(error, assess));
    busy(false);
    return standing("No answer.");
  }
  busy(false);
  const drawing = await send("api/pathway", { signal }).then(svg => svg.text()).then(drawn, error => [problem(error)]);
  if (own !== sent) return undefined;
  $("pathway").replaceChildren(...drawing);
  $("answers").dataset.settled = "true";
  return undefined;
};

/** Findings in words, with the fields that they are told at. */
const told = findings => form.tell([...findings.map(f => ({ ...f, said: said(f, words.labels) })), ...ages(record)]);

const changed = () => {
  edited = true;
  $("answers").dataset.settled = "false";
  clearTimeout(timer);
  timer = setTimeout(assess, WAIT);
};

const opened = fact => {
  if (words.patient.some(p => p.id === fact)) return form.openPerson(fact);
  const of = Object.keys(words.kinds).find(link => words.kinds[link].properties.some(p => p.id === fact));
  if (of) {
    const row = record.rows.find(r => r.link === of && words.disease.includes(r.cls)) ?? record.rows.find(r => r.link === of);
    return form.open(of, row?.cls ?? words.disease[0], fact);
  }
  const link = record.linkOf(fact);
  if (link) form.open(link, fact);
  return undefined;
};

const explain = async (therapy, place) => {
  try {
    const { explanation } = await (await send(`api/explain?therapy=${encodeURIComponent(therapy)}`)).json();
    place.replaceChildren(h("ul", { class: "tree" }, tree(explanation, words)));
  } catch (error) {
    place.replaceChildren(problem(error));
  }
};

const form = new Form($("form"), words, changed);
const shown = new Answer($("therapies"), words, opened, explain);

const tell = (found, marks) => {
  const again = last && last.patient === found.patient;
  const changes = again ? Answer.changes(last, found) : [];
  last = found;
  $("answers").hidden = false;
  $("asof").textContent = `As of ${found.asOf}`;
  $("places").replaceChildren(...shown.places(found));
  const tags = changes.map(c => h("li", {}, h("b", {}, c.label), ` ${c.from} → `, h("span", { class: `to ${c.status}` }, c.to)));
  const news = h("p", {}, h("strong", {}, changes.length ? `${count(changes.length, "status", "statuses")} changed` : "No status changed"));
  $("changes").hidden = !again;
  $("changes").firstChild.replaceChildren(...(again ? [news, changes.length ? h("ul", {}, tags) : ""] : []));
  const lacking = marks.filter(f => words.kinds[f.path] && f.severity === "Info").map(f => ({ said: f.said, fact: words.disease[0] }));
  shown.show(found, changes, lacking.length > 0);
  shown.todo($("todo"), found, lacking);
};

/** The pathways of a drawing. */
const drawn = text => [...new DOMParser().parseFromString(text, "image/svg+xml").querySelectorAll(".pathway")].map(one => document.importNode(one, true));

$("changes").querySelector("button").addEventListener("click", () => { $("changes").hidden = true; });

// --- a patient from elsewhere

/** Begin with a record, of which nothing is edited yet; no answer for another patient stays in sight. */
const begin = other => {
  $("answers").hidden = true;
  $("changes").hidden = true;
  record = other;
  edited = false;
  last = null;
  form.show(record);
  return assess();
};

const take = patient => {
  const other = Record.from(words, parse(patient.graph), patient.patient);
  if (!other.values["pt:asOf"] && patient.asOf) other.values["pt:asOf"] = [patient.asOf];
  return begin(other);
};

const read = async (text, kind, note = "") => {
  try {
    const { patients, report, refused } = await (await ask("api/read", { method: "POST", headers: { "Content-Type": kind }, body: text })).json();
    say($("report"), ...(note ? [h("p", {}, note)] : []), ...reported(report, words.levels), ...refused.map(r => h("p", {}, h("strong", {}, r.error), `: ${r.mend}`)));
    if (!patients.length) return undefined;
    $("several").hidden = patients.length < 2;
    $("several").firstChild.textContent = `${patients.length} patients were sent; shown is`;
    $("which").replaceChildren(...patients.map(p => h("option", {}, p.patient)));
    $("which").onchange = () => take(patients[$("which").selectedIndex]);
    return await take(patients[0]);
  } catch (error) {
    return say($("report"), problem(error));
  }
};

const guess = text => {
  const begin = text.trimStart();
  if (/^[[{]/u.test(begin)) {
    if (begin.includes("\"@context\"") || begin.includes("\"@id\"")) return ENDINGS.jsonld;
    try {
      JSON.parse(begin);
      return FHIR;
    } catch {
      return begin.startsWith("{") && begin.trimEnd().split("\n").length > 1 && begin.split("\n")[0].trimEnd().endsWith("}") ? ENDINGS.ndjson : begin.startsWith("[") ? ENDINGS.ttl : FHIR;
    }
  }
  return begin.startsWith("<?xml") || begin.startsWith("<rdf:") ? ENDINGS.rdf : ENDINGS.ttl;
};

const readFiles = async ([file, ...others]) => {
  $("example").value = "";
  const kind = ENDINGS[file.name.split(".").pop().toLowerCase()];
  const text = await file.text();
  return read(text, kind ?? guess(text), others.length ? `Of ${count(others.length + 1, "file")} the first alone was read: ${file.name}.` : "");
};

$("file").addEventListener("change", async event => {
  if (event.target.files[0]) await readFiles(event.target.files);
  event.target.value = "";
});
$("paste").addEventListener("submit", event => {
  event.preventDefault();
  $("example").value = "";
  read($("pasted").value, guess($("pasted").value));
});
const example = name => ask(`api/examples/${name}`).then(async told => {
  $("example").value = name;
  await read(await told.text(), ENDINGS.ttl);
}, error => {
  $("example").value = "";
  say($("report"), problem(error, () => example(name)));
});
$("example").addEventListener("change", () => { if ($("example").value) example($("example").value); });
$("clear").addEventListener("click", () => {
  $("example").value = "";
  $("pasted").value = "";
  $("several").hidden = true;
  say($("report"));
  begin(new Record(words));
});

/** What a drop brings: a file anywhere but on a field, a text on the box for it. */
const dropped = event => {
  const field = event.target.closest("input:not([type=file]), textarea");
  if (event.dataTransfer.types.includes("Files")) return field ? "nothing" : "files";
  return !field && $("drop").contains(event.target) ? "text" : "";
};
for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, event => {
  if (!dropped(event)) return;
  event.preventDefault();
  $("drop").classList.toggle("over", dropped(event) !== "nothing");
});
document.addEventListener("dragleave", event => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", event => {
  $("drop").classList.remove("over");
  const kind = dropped(event);
  if (kind) event.preventDefault();
  if (kind === "files") readFiles(event.dataTransfer.files);
  if (kind !== "text") return;
  $("example").value = "";
  read(event.dataTransfer.getData("text"), guess(event.dataTransfer.getData("text")));
});

// --- out

$("save-ttl").addEventListener("click", () => {
  download("patient.ttl", "text/turtle", turtle(record.triples(), words.prefixes));
  edited = false;
});
$("save-json").addEventListener("click", () => download("answer.json", "application/json", JSON.stringify(last, null, 1)));
$("print").addEventListener("click", () => print());
window.addEventListener("beforeunload", event => { if (edited) event.preventDefault(); });
addEventListener("beforeprint", () => {
  $("paper").replaceChildren(...facts(record, words));
  shown.fill();
});

if ($("example").value) { // it may have been chosen before all was there
  form.show(record);
  example($("example").value);
} else begin(record);
