// What the shapes find in a patient, in the words of the page.

import { capital } from "./page.js";

/** A message with labels in place of names, without the example of how it is written in Turtle. */
export const said = (finding, labels) => {
  const label = name => labels[name] ?? name;
  const text = finding.message
    .replace(`Patient ${finding.node}: `, "").replace(`Patient ${finding.node}`, "The patient")
    .replace(`${finding.node} of ${finding.node.slice(4, -2)}`, finding.node)
    .replace(/,? as in \w+:\w+ \[.*?\](?=[,.;:]|$)/gu, "")
    .replace(/\[ a ([^\s\]]+) \]/gu, (_, name) => label(name))
    .replace(/\b(?:pt|ad|dg):[A-Za-z]\w*/gu, label);
  return capital(text.replace(/^(?:Record|Condition|Course|Observation|Assessment) (?=\S)/u, ""));
};

/** A finding where an age and a birth date contradict each other: only the birth date is used. */
export const ages = record => {
  const [born, age] = ["pt:birthDate", "pt:ageYears"].map(property => record.values[property]?.[0]);
  if (!born || !age) return [];
  const day = record.day();
  const years = day.slice(0, 4) - born.slice(0, 4) - (day.slice(5) < born.slice(5) ? 1 : 0);
  return Math.floor(age) === years ? [] : [{ path: "pt:ageYears", focus: record.name.value, severity: "Warning", said: `Not used: by the birth date it is ${years}` }];
};
