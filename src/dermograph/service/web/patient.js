// The page of a patient: form on one side, answer on the other. Nothing of the patient is kept or put into an address.

import { Answer, tree } from "./answer.js";
import { Form } from "./form.js";
import { nTriples, parse, turtle } from "./graph.js";
import { answer as ask, count, download, h, problem } from "./page.js";
import { facts } from "./paper.js";
import { Record } from "./record.js";

const WAIT = 250; // milliseconds after a change before it is sent
const ENDINGS = { ttl: "text/turtle", nt: "application/n-triples", nq: "application/n-quads", trig: "application/trig", jsonld: "application/ld+json", rdf: "application/rdf+xml", xml: "application/rdf+xml", json: "application/fhir+json", ndjson: "application/fhir+ndjson" };
const $ = id => document.getElementById(id);

const words = await (await ask("api/words")).json();
let record = new Record(words);
let last = null;
let sent = 0;
let timer = 0;
let stop = new AbortController();

const graph = () => nTriples(record.triples());
const send = (path, options = {}) => ask(path, { method: "POST", headers: { "Content-Type": "application/n-triples" }, body: graph(), ...options });

const say = (place, ...children) => {
  place.replaceChildren(...children);
  place.hidden = !children.length;
};

const assess = async () => {
  const own = ++sent;
  $("answers").dataset.settled = "false";
  stop.abort();
  stop = new AbortController();
  if (form.wrong.size) {
    say($("fault"), h("p", {}, h("strong", {}, `${count(form.wrong.size, "field")} cannot be read`), "; what stands below is the answer before."));
    $("answers").classList.add("stale");
    return;
  }
  try {
    const [told, drawn] = await Promise.all([send("api/assess", { signal: stop.signal }), send("api/pathway", { signal: stop.signal })]);
    const [found, svg] = [await told.json(), await drawn.text()];
    if (own !== sent) return;
    say($("fault"));
    $("answers").classList.remove("stale");
    tell(found, svg);
  } catch (error) {
    if (own !== sent || error.name === "AbortError") return;
    say($("fault"), problem(error), last ? h("p", {}, "What stands below is the answer before.") : "");
    $("answers").classList.add("stale");
  }
};

const changed = () => {
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
    const told = await (await send(`api/explain?therapy=${encodeURIComponent(therapy)}`)).json();
    place.replaceChildren(h("ul", { class: "tree" }, tree(told.explanation, words)));
  } catch (error) {
    place.replaceChildren(problem(error));
  }
};

const form = new Form($("form"), words, changed);
const shown = new Answer($("therapies"), words, opened, explain);

const tell = (found, svg) => {
  const changes = last && last.patient === found.patient ? Answer.changes(last, found) : [];
  const again = last && last.patient === found.patient;
  last = found;
  $("answers").hidden = false;
  $("asof").textContent = `As of ${found.asOf}`;
  $("places").replaceChildren(...shown.places(found));
  const tags = changes.map(c => h("li", {}, h("b", {}, c.label), ` ${c.from} → `, h("span", { class: `to ${c.status}` }, c.to)));
  if (again) say($("changes"), h("p", {}, h("strong", {}, changes.length ? `${count(changes.length, "status", "statuses")} changed` : "No status changed")), ...(changes.length ? [h("ul", {}, tags)] : []));
  else say($("changes"));
  shown.show(found, changes);
  shown.todo($("todo"), found);
  const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").querySelectorAll(".pathway");
  $("pathway").replaceChildren(...[...drawn].map(one => document.importNode(one, true)));
  $("answers").dataset.settled = "true";
};

// --- a patient from elsewhere

const take = (patient, report, refused) => {
  record = Record.from(words, parse(patient.graph), patient.patient);
  if (!record.values["pt:asOf"] && patient.asOf) record.values["pt:asOf"] = [patient.asOf];
  last = null;
  form.show(record);
  const missed = report.filter(line => line.result === "unknown");
  const line = one => h("li", {}, [`${one.resource}: ${[one.code, one.text].filter(Boolean).join(" ")}`, words.levels[one.result], one.why].filter(Boolean).join("; "));
  say($("report"), ...(report.length ? [
    h("p", {}, h("strong", {}, `${count(report.length, "record")} read: `), missed.length ? `${count(missed.length, "record")} could matter and ${missed.length === 1 ? "was" : "were"} not understood` : "none that could matter was passed over"),
    ...(missed.length ? [h("ul", {}, missed.map(line))] : []),
    h("details", {}, h("summary", {}, "What became of every record"), h("ul", {}, report.map(line))),
  ] : []), ...refused.map(r => h("p", {}, h("strong", {}, r.error), `: ${r.mend}`)));
  return assess();
};

const read = async (text, kind) => {
  try {
    const { patients, report, refused } = await (await ask("api/read", { method: "POST", headers: { "Content-Type": kind }, body: text })).json();
    if (!patients.length) return say($("report"), ...refused.map(r => h("p", {}, h("strong", {}, r.error), `: ${r.mend}`)));
    await take(patients[0], report, refused);
    if (patients.length > 1) {
      const choose = h("select", { id: "which", onchange: () => take(patients[choose.selectedIndex], [], []) }, patients.map(p => h("option", {}, p.patient)));
      $("report").hidden = false;
      $("report").prepend(h("p", {}, h("label", { for: "which" }, `${patients.length} patients were sent; shown is `), choose));
    }
  } catch (error) {
    say($("report"), problem(error));
  }
  return undefined;
};

const guess = text => {
  const begin = text.trimStart();
  if (/^[[{]/u.test(begin)) {
    if (begin.includes("\"@context\"") || begin.includes("\"@id\"")) return ENDINGS.jsonld;
    try {
      JSON.parse(begin);
      return ENDINGS.json;
    } catch {
      return begin.startsWith("{") && begin.trimEnd().split("\n").length > 1 && begin.split("\n")[0].trimEnd().endsWith("}") ? ENDINGS.ndjson : begin.startsWith("[") ? ENDINGS.ttl : ENDINGS.json;
    }
  }
  return begin.startsWith("<?xml") || begin.startsWith("<rdf:") ? ENDINGS.rdf : ENDINGS.ttl;
};

const readFile = async file => {
  const text = await file.text();
  return read(text, ENDINGS[file.name.split(".").pop().toLowerCase()] ?? guess(text));
};

$("file").addEventListener("change", async event => {
  if (event.target.files[0]) await readFile(event.target.files[0]);
  event.target.value = "";
});
$("paste").addEventListener("submit", event => {
  event.preventDefault();
  read($("pasted").value, guess($("pasted").value));
});
const example = async () => read(await (await ask(`api/examples/${$("example").value}`)).text(), ENDINGS.ttl);
$("example").addEventListener("change", () => { if ($("example").value) example(); });
$("clear").addEventListener("click", () => {
  record = new Record(words);
  last = null;
  $("example").value = "";
  $("pasted").value = "";
  say($("report"));
  form.show(record);
  assess();
});
const drop = $("drop");
for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, event => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) readFile(file);
  else read(event.dataTransfer.getData("text"), guess(event.dataTransfer.getData("text")));
});

// --- out

$("save-ttl").addEventListener("click", () => download("patient.ttl", "text/turtle", turtle(record.triples(), words.prefixes)));
$("save-json").addEventListener("click", () => download("answer.json", "application/json", JSON.stringify(last, null, 1)));
$("print").addEventListener("click", () => print());
addEventListener("beforeprint", () => {
  $("paper").replaceChildren(...facts(record, words));
  shown.fill();
});

form.show(record);
if ($("example").value) example(); // it may have been chosen before all was there
else assess();
