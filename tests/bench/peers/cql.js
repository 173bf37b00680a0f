// Asks a library of ELM of one patient after another with cql-execution, and prints its truths as letters and its statuses, and the seconds at last.
// Arguments: folder of the npm packages, library, value sets, file with a FHIR bundle a line.
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const [packages, library, valueSets, bundles] = process.argv.slice(2);
const required = createRequire(path.join(path.resolve(packages), "package.json"));
const cql = required("cql-execution");
const fhir = required("cql-exec-fhir");
const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));

const LETTERS = new Map([[true, "T"], [false, "F"], [null, "U"]]);

async function main() {
  const executor = new cql.Executor(new cql.Library(read(library)), new cql.CodeService(read(valueSets)));
  const source = fhir.PatientSource.FHIRv401();
  const now = cql.DateTime.fromJSDate(new Date(), 0);
  const lines = fs.readFileSync(bundles, "utf8").trimEnd().split("\n");
  const answers = [];
  const start = process.hrtime.bigint();
  for (const line of lines) {
    source.reset();
    source.loadBundles([JSON.parse(line)]);
    const results = await executor.exec_expression("Answer", source, now);
    const [{ Answer: answer }] = Object.values(results.patientResults);
    const letters = Object.values(answer.truths).map((truth) => LETTERS.get(truth));
    if (letters.includes(undefined)) throw new Error("an answer is no truth");
    answers.push([letters.join(""), ...Object.values(answer.statuses)].join(" "));
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  fs.writeSync(1, answers.join("\n") + "\n" + seconds + "\n");
}

main();
