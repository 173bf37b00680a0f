// The page of queries: an editor, and the answer as a table, as text and as a drawing.

import { parse, turtle } from "./graph.js";
import { draw } from "./drawing.js";
import { answer as ask, count, download, h, problem, told } from "./page.js";

const $ = id => document.getElementById(id);
const MOST = 1000; // rows that are shown; the file holds all
const { prefixes } = await (await ask("api/words")).json();
const known = { ...prefixes, skos: "http://www.w3.org/2004/02/skos/core#", rdfs: "http://www.w3.org/2000/01/rdf-schema#", owl: "http://www.w3.org/2002/07/owl#", prov: "http://www.w3.org/ns/prov#", dcterms: "http://purl.org/dc/terms/" };
const FIRST = "PREFIX dg: <https://w3id.org/dermograph/core#>\nPREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n\nSELECT ?therapy ?label WHERE {\n  ?therapy dg:within dg:Therapy ; skos:prefLabel ?label .\n}\nORDER BY ?label\n";

window.Yasqe.defaults.autocompleters = []; // one of them would ask prefix.cc
const editor = new window.Yasqe($("editor"), { persistenceId: null, createShareableLink: null, showQueryButton: false, resizeable: false, pluginButtons: () => [], tabSize: 2, value: FIRST, lineWrapping: true,
  extraKeys: { "Ctrl-Enter": () => run(), "Cmd-Enter": () => run(), Esc: () => $("run").focus(), Tab: false, "Shift-Tab": false } });
editor.getInputField().setAttribute("aria-label", "Query in SPARQL");
editor.getInputField().setAttribute("aria-describedby", "keys");

const compact = value => {
  for (const [name, space] of Object.entries(known)) if (value.startsWith(space)) return `${name}:${value.slice(space.length)}`;
  return value;
};
const own = name => /^(ad|dg|pt|fact):/u.test(name);

const cell = value => {
  if (!value) return "";
  if (value.type !== "uri") return value.type === "bnode" ? `_:${value.value}` : value.value;
  const name = compact(value.value);
  if (own(name)) return told(name, name);
  return /^https?:/u.test(value.value) && name === value.value ? h("a", { href: value.value, rel: "noreferrer" }, name) : name;
};

const csv = (columns, rows) => {
  const quoted = text => /[",\r\n]/u.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
  return [columns, ...rows.map(row => columns.map(c => row[c]?.value ?? ""))].map(line => line.map(quoted).join(",") + "\r\n").join("");
};

const table = ({ head, results }) => {
  const rows = results.bindings;
  const body = rows.slice(0, MOST).map(row => h("tr", {}, head.vars.map(v => h("td", {}, cell(row[v])))));
  return [h("p", {}, h("button", { type: "button", onclick: () => download("answer.csv", "text/csv", csv(head.vars, rows)) }, "Table as CSV"), rows.length > MOST ? ` The first ${MOST} are shown, and the file holds all.` : ""),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows of the answer" }, h("table", {}, h("thead", {}, h("tr", {}, head.vars.map(v => h("th", { scope: "col" }, v)))), h("tbody", {}, body)))];
};

const graph = text => {
  const triples = parse(text);
  const written = turtle(triples, known);
  const picture = draw(triples, t => t.kind === "literal" ? t.value : t.kind === "blank" ? "" : compact(t.value), t => t.kind === "iri" && own(compact(t.value)) ? `go?iri=${encodeURIComponent(compact(t.value))}` : "");
  return [triples.length, [h("p", {}, h("button", { type: "button", onclick: () => download("answer.ttl", "text/turtle", written) }, "Graph as Turtle")),
    picture ? h("figure", { class: "scroll graph", tabindex: "0", role: "region", "aria-label": "The graph drawn" }, picture) : h("p", { class: "none" }, "More than 200 nodes are not drawn."),
    h("pre", { tabindex: "0", role: "region", "aria-label": "The graph as Turtle" }, h("code", {}, written))]];
};

let asked = 0;
const run = async () => {
  const mine = ++asked;
  $("count").textContent = "Asking …";
  $("fault").hidden = true;
  try {
    const response = await ask("sparql", { method: "POST", headers: { "Content-Type": "application/sparql-query", Accept: "application/sparql-results+json, application/n-triples;q=0.9" }, body: editor.getValue() });
    const kind = response.headers.get("Content-Type");
    const text = await response.text();
    if (mine !== asked) return;
    let number;
    let shown;
    if (kind.startsWith("application/n-triples")) [number, shown] = graph(text);
    else {
      const told = JSON.parse(text);
      [number, shown] = told.boolean === undefined ? [told.results.bindings.length, table(told)] : [null, [h("p", {}, told.boolean ? "Yes" : "No")]];
    }
    $("rows").replaceChildren(...shown);
    for (const box of document.querySelectorAll(".graph")) box.scrollTo((box.scrollWidth - box.clientWidth) / 2, (box.scrollHeight - box.clientHeight) / 2);
    $("count").textContent = number === null ? "Answered" : kind.includes("triples") ? count(number, "triple") : count(number, "row");
  } catch (error) {
    if (mine !== asked) return;
    $("count").textContent = "";
    $("fault").replaceChildren(problem(error));
    $("fault").hidden = false;
    $("rows").replaceChildren();
  }
};

$("run").addEventListener("click", run);
const chosen = async () => {
  if (!$("examples").value) return;
  editor.setValue((await (await ask(`api/questions/${$("examples").value}`)).text()).replace(/^#\+.*\n/gmu, ""));
  run();
};
$("examples").addEventListener("change", chosen);
chosen(); // it may have been chosen before all was there
