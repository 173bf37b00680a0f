// What became of the records of a FHIR bundle.

import { count, h } from "./page.js";

/** Equal lines together, each with the records that it is told of. */
const grouped = (report, levels) => {
  const groups = new Map();
  for (const line of report) {
    const what = [line.text, line.code && `(${line.code})`].filter(Boolean).join(" ") || line.resource.split("/")[0];
    const text = [what, levels[line.result], line.why].filter(Boolean).join("; ");
    groups.set(text, [...groups.get(text) ?? [], line.resource]);
  }
  const items = [...groups].map(([text, names]) => h("li", {}, names.length > 1 ? h("strong", {}, `${names.length} × `) : "", text, h("small", { class: "aside" }, ` ${names.join(", ")}`)));
  return h("ul", { class: "long", tabindex: "0" }, items);
};

/** A report as a line, with lists to open. */
export const reported = (report, levels) => {
  if (!report.length) return [];
  const missed = report.filter(line => line.result === "unknown");
  const told = missed.length ? `${count(missed.length, "record")} could matter and ${missed.length === 1 ? "was" : "were"} not understood` : "none that could matter was passed over";
  const fold = (title, lines) => lines.length ? h("details", {}, h("summary", {}, title), grouped(lines, levels)) : "";
  return [
    h("p", {}, h("strong", {}, `${count(report.length, "record")} read: `), told),
    fold("What was not understood", missed),
    fold("What became of every record", report),
  ].filter(Boolean);
};
