// What paper shows instead of the fields of the form, which it would cut off.

import { capital, h } from "./page.js";

const MEASURE = ["pt:value", "pt:unit"]; // told together and without their names, before the rest

/** What is recorded of a patient, as lists. */
export const facts = (record, words) => {
  const named = (property, value) => property.values?.find(v => v.id === value)?.label ?? words.labels[value] ?? value;
  const said = (properties, values) => properties.filter(p => values[p.id]?.length && !MEASURE.includes(p.id)).map(p => `${p.label} ${values[p.id].map(v => named(p, v)).join(", ")}`);
  const measure = values => MEASURE.flatMap(id => values[id] ?? []).map(text => ` ${text}`);
  const line = (kind, row) => h("li", {}, h("strong", {}, capital(record.classes[row.link].get(row.cls).label)), measure(row.values),
    said(kind.properties, row.values).map(text => `; ${text}`), row.absent ? "; looked for, and absent" : "");
  const part = (title, lines) => lines.length ? [h("h3", {}, title), h("ul", {}, lines)] : [];
  return [
    ...part("Person", said(words.patient, record.values).map(text => h("li", {}, capital(text)))),
    ...Object.entries(words.kinds).flatMap(([link, kind]) => part(capital(`${kind.label}s`), record.rows.filter(r => r.link === link && record.whole(r)).map(row => line(kind, row)))),
    ...(record.rest.length ? [h("p", {}, `Statements that no field holds: ${record.rest.length}.`)] : []),
  ];
};
