// The page of queries: an editor, and the answer as a table, as text and as a drawing.

import { parse, turtle } from "./graph.js";
import { draw } from "./drawing.js";
import { answer as ask, count, download, h, problem, told } from "./page.js";

const $ = id => document.getElementById(id);
const MOST = 1000; // rows that are shown; the file holds all
const KEPT = "dermograph-query";
const tell = error => {
  $("fault").replaceChildren(problem(error));
  $("fault").hidden = false;
};
const { prefixes } = await ask("api/words").then(response => response.json()).catch(error => {
  tell(error);
  return { prefixes: {} }; // names stay long, then
});
const known = { ...prefixes, skos: "http://www.w3.org/2004/02/skos/core#", rdfs: "http://www.w3.org/2000/01/rdf-schema#", owl: "http://www.w3.org/2002/07/owl#", prov: "http://www.w3.org/ns/prov#", dcterms: "http://purl.org/dc/terms/" };
const FIRST = "PREFIX dg: <https://w3id.org/dermograph/core#>\nPREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n\nSELECT ?therapy ?label WHERE {\n  ?therapy dg:within dg:Therapy ; skos:prefLabel ?label .\n}\nORDER BY ?label\n";

/** The text as it was left in this tab; where the browser keeps nothing, there is none. */
const kept = text => {
  try {
    if (text !== undefined) sessionStorage.setItem(KEPT, text);
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
};

window.Yasqe.defaults.autocompleters = []; // one of them would ask prefix.cc
const editor = new window.Yasqe($("editor"), { persistenceId: null, createShareableLink: null, showQueryButton: false, resizeable: false, pluginButtons: () => [], tabSize: 2, value: kept() ?? FIRST, lineWrapping: true,
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
  if (value.type === "bnode") return `_:${value.value}`;
  if (value.type !== "uri") return value["xml:lang"] ? [value.value, " ", h("small", { class: "language" }, value["xml:lang"])] : value.value;
  const name = compact(value.value);
  if (own(name)) return told(name, name);
  return /^https?:/u.test(value.value) && name === value.value ? h("a", { href: value.value, rel: "noreferrer" }, name) : name;
};

const csv = (columns, rows) => {
  const quoted = text => /[",\r\n]/u.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
  return [columns, ...rows.map(row => columns.map(c => row[c]?.value ?? ""))].map(line => line.map(quoted).join(",") + "\r\n").join("");
};

/** Columns as the query names them first; the service gives those of a star by the alphabet. */
const ordered = (names, text) => {
  if (!/\bselect\s+(?:(?:distinct|reduced)\s+)?\*/iu.test(text)) return names;
  const place = name => text.search(new RegExp(`[?$]${name}(?![\\p{L}\\p{N}_])`, "u"));
  return [...names].sort((a, b) => place(a) - place(b));
};

const table = ({ head, results }, asked) => {
  const vars = ordered(head.vars, asked);
  const rows = results.bindings;
  const body = rows.slice(0, MOST).map(row => h("tr", {}, vars.map(v => h("td", {}, cell(row[v])))));
  return [h("p", {}, h("button", { type: "button", onclick: () => download("answer.csv", "text/csv", csv(vars, rows)) }, "Table as CSV"), rows.length > MOST ? ` The first ${MOST} are shown, and the file holds all.` : ""),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows of the answer" }, h("table", {}, h("thead", {}, h("tr", {}, vars.map(v => h("th", { scope: "col" }, v)))), h("tbody", {}, body)))];
};

const graph = text => {
  const triples = parse(text);
  const written = turtle(triples, known);
  const picture = draw(triples, t => t.kind === "literal" ? t.value : t.kind === "blank" ? "" : compact(t.value), t => t.kind === "iri" && own(compact(t.value)) ? `go?iri=${encodeURIComponent(compact(t.value))}` : "");
  return [triples.length, [h("p", {}, h("button", { type: "button", onclick: () => download("answer.ttl", "text/turtle", written) }, "Graph as Turtle")),
    picture ? h("figure", { class: "scroll graph", tabindex: "0", role: "region", "aria-label": "The graph drawn" }, picture) : h("p", { class: "none" }, "More than 200 nodes are not drawn."),
    h("pre", { tabindex: "0", role: "region", "aria-label": "The graph as Turtle" }, h("code", {}, written))]];
};

let wrong = null;
const mark = error => {
  const found = /\bline (\d+), column (\d+)/u.exec(error.message);
  if (!found) return;
  wrong = editor.addLineClass(Number(found[1]) - 1, "background", "wrong-line");
  editor.setCursor(Number(found[1]) - 1, Number(found[2]) - 1);
};
const unmark = () => {
  if (wrong) editor.removeLineClass(wrong, "background", "wrong-line");
  wrong = null;
};
editor.on("change", () => {
  unmark();
  kept(editor.getValue());
});

let stop = null;
const run = async () => {
  stop?.abort();
  const { signal } = stop = new AbortController();
  const asked = editor.getValue();
  $("count").textContent = "Asking …";
  $("fault").hidden = true;
  unmark();
  try {
    const response = await ask("sparql", { method: "POST", headers: { "Content-Type": "application/sparql-query", Accept: "application/sparql-results+json, application/n-triples;q=0.9" }, body: asked, signal });
    const kind = response.headers.get("Content-Type");
    const text = await response.text();
    let number;
    let shown;
    if (kind.startsWith("application/n-triples")) [number, shown] = graph(text);
    else {
      const told = JSON.parse(text);
      [number, shown] = told.boolean === undefined ? [told.results.bindings.length, table(told, asked)] : [null, [h("p", {}, told.boolean ? "Yes" : "No")]];
    }
    $("rows").replaceChildren(...shown);
    for (const box of document.querySelectorAll(".graph")) box.scrollTo((box.scrollWidth - box.clientWidth) / 2, (box.scrollHeight - box.clientHeight) / 2);
    $("count").textContent = number === null ? "Answered" : kind.includes("triples") ? count(number, "triple") : count(number, "row");
  } catch (error) {
    if (error.name === "AbortError") return;
    $("count").textContent = "";
    $("rows").replaceChildren();
    tell(error);
    mark(error);
  }
};

$("run").addEventListener("click", run);
const chosen = async () => {
  if (!$("examples").value) return;
  try {
    editor.setValue((await (await ask(`api/questions/${$("examples").value}`)).text()).replace(/^#\+.*\n/gmu, ""));
  } catch (error) {
    tell(error);
    return;
  }
  run();
};
$("examples").addEventListener("change", chosen);
chosen(); // it may have been chosen before all was there
