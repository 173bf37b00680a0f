// Elements made, texts fetched: what all pages use.

/** An element with attributes and children; a function is a listener, true a bare attribute, null and false none. */
export const h = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
};

/** A link to where a node is told. */
export const told = (name, text, attributes = {}) => h("a", { href: `go?iri=${encodeURIComponent(name)}`, ...attributes }, text ?? name);

/** What a response says; a problem document is thrown. */
export const answer = async (path, options) => {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw Object.assign(new Error("the service does not answer"), { problem: { detail: "The service does not answer", mend: "see that it runs" } });
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  throw Object.assign(new Error(problem.detail), { problem });
};

/** A problem in words, with a button where it can be tried again. */
export const problem = (error, again = null) => {
  const { detail, mend } = error.problem ?? { detail: error.message };
  return h("div", {},
    h("p", {}, h("strong", {}, detail), mend ? `: ${mend}` : ""),
    again ? h("p", {}, h("button", { type: "button", onclick: again }, "Try again")) : "");
};

/** Hand a text to the reader as a file. */
export const download = (name, kind, text) => {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: kind })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

export const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
export const count = (number, one, many = one + "s") => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
