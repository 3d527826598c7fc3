// MathML from the studio as elements: only the elements of formulas are made, from text that is parsed as XML.

const ALLOWED = new Set(["math", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "mfrac", "mtable", "mtr", "mtd", "mtext", "munder", "munderover", "mover", "mspace", "mstyle", "mpadded", "msqrt"]);
const ATTRIBUTES = new Set(["display", "stretchy", "mathvariant", "fence", "form", "accent", "movablelimits", "width"]);
const MATHML = "http://www.w3.org/1998/Math/MathML";

function made(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.nodeValue);
  if (node.nodeType !== Node.ELEMENT_NODE || !ALLOWED.has(node.localName)) return document.createTextNode("");
  const element = document.createElementNS(MATHML, node.localName);
  for (const { name, value } of node.attributes) if (ATTRIBUTES.has(name)) element.setAttribute(name, value);
  element.append(...[...node.childNodes].map(made));
  return element;
}

export function formula(text) {
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  if (parsed.querySelector("parsererror")) return document.createTextNode("");
  const element = made(parsed.documentElement);
  element.setAttribute?.("display", "block");
  return element;
}
